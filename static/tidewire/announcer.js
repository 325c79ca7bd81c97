/** Says in a polite region of its own what has come in: in one sentence, and not more often than it can be listened to. */

import { ngettext } from "./words.js";

const PAUSE = 5000;

const SAYS = {
  entry: (count) => ngettext("%(count)s new entry", "%(count)s new entries", count),
  comment: (count) => ngettext("%(count)s new comment", "%(count)s new comments", count),
  notification: (count) => ngettext("%(count)s new notification", "%(count)s new notifications", count),
};

const counts = new Map();
let timer = 0;

/** Count something that has come in; it is said with all that comes in the same while. */
export function announce(kind) {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  timer ||= setTimeout(speak, PAUSE);
}

function speak() {
  timer = 0;
  const words = [...counts].map(([kind, count]) => SAYS[kind](count));
  counts.clear();
  document.getElementById("announcer").textContent = new Intl.ListFormat(document.documentElement.lang).format(words);
}

/** Say something at once that the reader has asked for. */
export const answer = (words) => (document.getElementById("announcer").textContent = words);
