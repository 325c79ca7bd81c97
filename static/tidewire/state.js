/** Says how the page stands to what happens: live, catching up, offline, signed out; in words, once it is of concern. */

import { gettext, ngettext } from "./words.js";

const PATIENCE = 3000;
const RELIEF = 2500;

const place = document.getElementById("connection");
let [state, trouble, told, missed, hasToAct] = ["", 0, false, 0, false];

/** Say something; with an address, also what to do. */
function say(words, href = "", todo = "") {
  if (place.textContent !== words || href) place.textContent = words;
  if (href) place.append(" ", Object.assign(document.createElement("a"), { href, textContent: todo }));
}

/** Say what the reader has to do; a connection that comes back does not undo it. */
export function sayForGood(...words) {
  hasToAct = true;
  say(...words);
}

const signIn = () => `/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`;

const SAYS = {
  offline: () =>
    navigator.onLine
      ? gettext("The connection is lost; showing saved entries. Trying again…")
      : gettext("You are offline; showing saved entries. The page goes on when you are back."),
  "catching up": () => (missed ? ngettext("Catching up: %(count)s so far…", "Catching up: %(count)s so far…", missed) : gettext("Catching up…")),
};

/** Show the state of the connection; what passes within seconds concerns nobody. */
export function show(now) {
  state = place.dataset.state = now;
  if (now === "signed out") sayForGood(gettext("You are signed out."), signIn(), gettext("Sign in"));
  else if (now === "live") settle();
  else if (told) tell();
  else trouble ||= setTimeout(tell, PATIENCE);
}

function tell() {
  told = true;
  if (!hasToAct) say(SAYS[state]());
}

function settle() {
  clearTimeout(trouble);
  if (told && !hasToAct) {
    say(gettext("Live again. Nothing is missing."));
    setTimeout(() => state === "live" && !hasToAct && say(""), RELIEF);
  }
  [trouble, told, missed] = [0, false, 0];
}

/** Count what comes in; while the page catches up, that is what was missed. */
export function countMissed(count) {
  if (state === "live") return;
  missed += count;
  if (told) tell();
}
