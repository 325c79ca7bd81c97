/** Small notes of what has just happened to the reader; in a storm they become one. */

import { gettext, ngettext } from "./words.js";

const STAYS = 8000;
const [CALM, WINDOW] = [6, 10_000];

const place = document.getElementById("toasts");
let shown = [];
let storm = null;

/** Show a note with a way on. */
export function toast(words, href) {
  shown = shown.filter((at) => Date.now() - at < WINDOW);
  shown.push(Date.now());
  if (shown.length > CALM) return gather();
  storm = null;
  put(words, href);
}

function gather() {
  const count = (storm?.count ?? 0) + 1;
  const words = ngettext("%(count)s more notification at once", "%(count)s more notifications at once", count);
  if (storm?.note.isConnected) storm.note.querySelector("a").textContent = words;
  else {
    place.replaceChildren();
    storm = { note: put(words, "/notifications/") };
  }
  storm.count = count;
}

function put(words, href) {
  const note = Object.assign(document.createElement("li"), { className: "toast" });
  const link = Object.assign(document.createElement("a"), { href, textContent: words, dir: "auto" });
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: gettext("Close") });
  close.addEventListener("click", () => note.remove());
  note.append(link, close);
  place.append(note);
  leave(note);
  return note;
}

/** Who is still reading it keeps it. */
function leave(note) {
  setTimeout(() => (note.matches(":hover, :focus-within") ? leave(note) : note.remove()), STAYS);
}
