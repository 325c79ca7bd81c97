/**
 * New entries come in at the top while the top is looked at; otherwise they wait behind a button that counts them. The
 * page never grows without end.
 */

import { announce } from "./announcer.js";
import { cardOf, fillEntry, insert, keep, listOf, promised, viewer } from "./cards.js";
import { chosen, offer } from "./settings.js";
import { ngettext } from "./words.js";

export const MOST = 400;
// More than so many in a second nobody reads as they come in.
const BEARABLE = 30;

const waiting = new Map();
const list = listOf("entry");
const pill = document.getElementById("pill");
const older = document.getElementById("older");
const isFirst = list && "first" in list.dataset;

/** Somebody is at the top and does nothing there that what comes in would move. */
function isAtEase() {
  const focused = document.activeElement;
  const isBusy =
    (list.contains(focused) && focused.matches(":focus-visible")) ||
    list.querySelector("details[open]") ||
    (!getSelection().isCollapsed && list.contains(getSelection().anchorNode));
  return !isBusy && !waiting.size && !chosen("waits", false) && isTopSeen();
}

const isTopSeen = () => scrollY === 0 || list.getBoundingClientRect().top >= 0;

/** Take in new entries, the oldest first. */
export function arrive(entries) {
  if (!isFirst) return;
  const fresh = entries.filter((entry) => !cardOf("entry", entry.id) && !waiting.has(entry.id));
  if (!fresh.length) return;
  fresh.filter(({ author }) => author.username !== viewer).forEach(() => announce("entry"));
  if (!isStorm(fresh.length) && isAtEase()) return show(fresh);
  for (const entry of fresh) adopt(entry) || waiting.set(entry.id, entry);
  while (waiting.size > MOST) waiting.delete(waiting.keys().next().value);
  count();
}

let [second, inSecond] = [0, 0];

function isStorm(count) {
  const now = Math.floor(performance.now() / 1000);
  [second, inSecond] = [now, (now === second ? inSecond : 0) + count];
  return inSecond > BEARABLE;
}

/** What one has just said oneself is there already. */
function adopt(entry) {
  const card = promised("entry", entry);
  if (card) keep(card, "entry", entry, fillEntry);
  return card;
}

function show(entries) {
  list.ariaBusy = "true";
  for (const entry of entries.slice(-MOST)) adopt(entry) || insert("entry", entry, fillEntry);
  trim();
  list.ariaBusy = "false";
}

/** Let the oldest go; the way to what is older begins where the page ends. */
export function trim() {
  const cards = [...list.children];
  if (cards.length <= MOST) return;
  for (const card of cards.slice(MOST)) if (!card.contains(document.activeElement)) card.remove();
  const url = new URL(older.href);
  url.searchParams.set("before", list.lastElementChild.dataset.id);
  older.href = url;
  older.hidden = false;
}

/** Number the cards for whoever hears them. */
export function renumber() {
  document.querySelectorAll("[role=feed]").forEach((feed) => [...feed.children].forEach((card, index) => (card.ariaPosInSet = index + 1)));
}

/** Apply what has happened to an entry that waits; say whether it does. */
export function changeWaiting(id, change) {
  const entry = waiting.get(id);
  if (!entry) return false;
  const changed = change(entry);
  if (changed) waiting.set(id, changed);
  else waiting.delete(id);
  count();
  return true;
}

/** Let nothing of what waits come that is no longer wanted. */
export function dropWaiting(isUnwanted) {
  for (const [id, entry] of waiting) if (isUnwanted(entry)) waiting.delete(id);
  count();
}

function count() {
  pill.hidden = !waiting.size;
  const number = waiting.size < MOST ? waiting.size : `${MOST}+`;
  if (waiting.size) pill.textContent = ngettext("%(count)s new entry", "%(count)s new entries", waiting.size, { count: number });
}

/** Show all that waits, and stand on the newest of it, or on the oldest. */
export function showWaiting() {
  if (!waiting.size) return;
  const entries = [...waiting.values()];
  waiting.clear();
  count();
  show(entries);
  renumber();
  const shown = entries.map(({ id }) => cardOf("entry", id)).filter(Boolean);
  const first = chosen("oldest", false) ? shown[0] : list.firstElementChild;
  first.focus({ preventScroll: true });
  first.scrollIntoView({ block: first === list.firstElementChild ? "center" : "end", behavior: "instant" });
}

/** Who comes back to the top sees what has waited there. */
function comeBack() {
  if (!waiting.size || chosen("waits", false) || !isTopSeen() || document.activeElement === pill) return;
  const entries = [...waiting.values()];
  waiting.clear();
  if (!isAtEase()) return entries.forEach((entry) => waiting.set(entry.id, entry));
  count();
  show(entries);
  renumber();
}

if (isFirst) {
  pill.addEventListener("click", showWaiting);
  addEventListener("scroll", comeBack, { passive: true });
  list.addEventListener("focusout", () => setTimeout(comeBack));
  document.getElementById("reading")?.removeAttribute("hidden");
  offer("always-wait", "waits", false, (waits) => waits || comeBack());
  offer("oldest-first", "oldest", false);
}
