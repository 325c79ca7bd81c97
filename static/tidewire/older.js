/** Older entries come by themselves a few pages far; then there is a link, and below it the end of the page. */

import { renumber, trim } from "./arrivals.js";
import { cardOf, listOf } from "./cards.js";
import { tick } from "./times.js";
import { gettext } from "./words.js";

const PAGES = 3;

const list = listOf("entry");
const link = document.getElementById("older");
let [pages, isLoading] = [0, false];

/** Load the next older page below what is there. */
async function load() {
  if (isLoading || link.hidden) return;
  isLoading = true;
  list.ariaBusy = "true";
  const note = Object.assign(document.createElement("p"), { className: "loading", textContent: gettext("Older posts are coming…") });
  link.before(note);
  try {
    append(await read(link.href));
    history.replaceState({ ...history.state, pages: ++pages }, "");
  } catch {
    // The link is there still.
    pages = PAGES;
  }
  note.remove();
  list.ariaBusy = "false";
  isLoading = false;
}

async function read(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function append(page) {
  for (const card of page.querySelectorAll("[data-list=entry] > .entry")) if (!cardOf("entry", card.dataset.id)) list.append(card);
  const next = page.getElementById("older");
  link.href = next.href;
  link.hidden = next.hidden;
  tick(list);
  trim();
  renumber();
}

/** Who comes back by the history finds as much as there was. */
async function restore() {
  const { pages: wanted = 0, y = 0 } = history.state ?? {};
  while (pages < wanted && pages < PAGES && !link.hidden) await load();
  if (wanted) scrollTo({ top: y, behavior: "instant" });
}

if (list && link) {
  const [{ type } = {}] = performance.getEntriesByType("navigation");
  const observer = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && pages < PAGES && load(), { rootMargin: "400px" });
  addEventListener("pagehide", () => history.replaceState({ ...history.state, y: scrollY }, ""));
  (type === "back_forward" ? restore() : Promise.resolve()).then(() => observer.observe(link));
}
