/** Times in words that tick, with the full local time on hover. */

import { gettext } from "./words.js";

const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60]];
const WEEK = 7 * 86_400;

const language = document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const dated = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });

/** Say how long ago something was. */
export function ago(then, now = Date.now()) {
  const seconds = (now - then) / 1000;
  if (seconds > WEEK) return dated.format(then);
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? [];
  return unit ? relative.format(-Math.floor(seconds / size), unit) : gettext("just now");
}

/** Say in how long something is to be. */
export function ahead(then, now = Date.now()) {
  const seconds = (then - now) / 1000;
  if (seconds > WEEK) return dated.format(then);
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? [];
  if (unit) return relative.format(Math.floor(seconds / size), unit);
  return seconds > 0 ? gettext("within a minute") : gettext("now");
}

/** Bring the times within an element up to date. */
export function tick(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const then = new Date(element.dateTime);
    const words = "ahead" in element.dataset ? ahead(then) : ago(then);
    // Only what changes is written: selections stay, and nothing is laid out for nothing.
    if (element.textContent === words) continue;
    element.textContent = words;
    element.title = full.format(then);
  }
}

/** Keep all times ticking, also in a tab that comes back to the front. */
export function keepTicking() {
  tick();
  setInterval(tick, 15_000);
  document.addEventListener("visibilitychange", () => tick());
}
