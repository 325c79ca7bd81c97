/** The keyboard: from entry to entry, and what one does with one; letters can be turned off. */

import { showWaiting } from "./arrivals.js";
import { chosen, offer } from "./settings.js";

const help = document.getElementById("keys");
const feed = () => document.querySelector("[role=feed]");
const current = () => document.activeElement.closest?.(".entry");

/** Stand on the next card, or on the first one that is seen. */
function go(step) {
  const cards = [...document.querySelectorAll(".entry:not(.is-sending)")];
  const at = cards.indexOf(current());
  const next = at < 0 ? cards.find((card) => card.getBoundingClientRect().bottom > 0) : cards[at + step];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

/** Leave the list: stand on what comes before it, or after it. */
function leave(isForward) {
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter((element) => element.checkVisibility());
  const list = feed();
  const where = isForward ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const outside = all.filter((element) => !list.contains(element) && list.compareDocumentPosition(element) & where);
  (isForward ? (outside[0] ?? document.querySelector(".foot")) : outside.at(-1))?.focus();
}

function comment() {
  const way = current()?.querySelector(".comment-way");
  const field = document.querySelector("#comments > .composer textarea");
  if (field) field.focus();
  else way?.click();
}

const LETTERS = {
  j: () => go(1),
  k: () => go(-1),
  l: () => (current() ?? document.querySelector(".single > .entry"))?.querySelector("button.like, a.like")?.click(),
  c: comment,
  ".": showWaiting,
  "?": () => help.showModal(),
};

const isTyping = ({ target }) => target.matches?.("input, textarea, select, [contenteditable]");

function press(event) {
  const { key, ctrlKey, altKey, metaKey } = event;
  if (event.defaultPrevented || isTyping(event) || document.querySelector("dialog[open]")) return;
  const run = ctrlKey || altKey || metaKey ? within(event) : (within(event) ?? (chosen("letters", true) && LETTERS[key]));
  if (!run) return;
  event.preventDefault();
  run();
}

/** The keys of the feed pattern, which are no letters: they work where the focus is in the list. */
function within({ key, ctrlKey, target }) {
  if (!feed()?.contains(target)) return undefined;
  if (ctrlKey) return { Home: () => leave(false), End: () => leave(true) }[key];
  return { PageDown: () => go(1), PageUp: () => go(-1) }[key];
}

if (help) {
  document.addEventListener("keydown", press);
  document.getElementById("show-keys")?.addEventListener("click", () => help.showModal());
  offer("keys-on", "letters", true);
}
