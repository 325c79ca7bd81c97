/** Entries, comments and notifications on the page: each once, by its id, and never older than it is already. */

import { tick } from "./times.js";

export const cardOf = (kind, id) => document.getElementById(`${kind}-${id}`);
const listOf = (kind) => document.querySelector(`[data-list="${kind}"]`);

/** Take a version unless the card has it or a newer one. */
export function isNews(card, version) {
  if (version <= Number(card.dataset.version)) return false;
  card.dataset.version = version;
  return true;
}

/** Put a new card into its list, in the order of ids; older pages are left as they are. */
export function insert(kind, row, fill) {
  const list = listOf(kind);
  if (cardOf(kind, row.id) || !list || !("first" in list.dataset)) return null;
  const card = stamp(kind, row);
  fill(card, row);
  tick(card);
  const grows = kind === "comment" ? (other) => other > row.id : (other) => other < row.id;
  list.insertBefore(card, [...list.children].find((other) => grows(Number(other.dataset.id))) ?? null);
  card.classList.add("is-new");
  document.querySelector("[data-empty]")?.remove();
  return card;
}

/** Copy the mould, whose every address and id has a 0 where the row's id belongs. */
function stamp(kind, row) {
  const card = document.getElementById(`${kind}-mould`).content.firstElementChild.cloneNode(true);
  for (const element of [card, ...card.querySelectorAll("*")]) {
    for (const name of ["id", "href", "action", "aria-labelledby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace(/(entry|entries|comment|comments|notification|notifications)([-/])0\b/, `$1$2${row.id}`));
    }
  }
  Object.assign(card.dataset, { id: row.id, version: row.version });
  const time = card.querySelector("time");
  time.dateTime = row.created_at;
  return card;
}

/** Fill in what an entry and a comment have in common. */
export function fillText(card, { author, text, edited_at }) {
  const link = card.querySelector(".author");
  link.textContent = author.username;
  link.href = `/feeds/${encodeURIComponent(author.username)}/`;
  card.querySelector(".entry-text").textContent = text;
  card.querySelector(".edited").hidden = !edited_at;
}

/** Fill in an entry. */
export function fillEntry(card, entry) {
  fillText(card, entry);
  fillCounts(card, entry);
  card.dataset.feed = entry.feed;
  card.querySelector(".for-followers").hidden = entry.visibility !== "followers";
  card.querySelector(".read-on")?.toggleAttribute("hidden", entry.text.length <= 700);
  if ("liked" in entry) setLiked(card, entry.liked);
}

/** Show the exact counts. */
export function fillCounts(card, entry) {
  for (const element of card.querySelectorAll("[data-count]")) element.textContent = entry[element.dataset.count];
}

/** Show whether the viewer likes the entry. */
export function setLiked(card, liked) {
  const button = card.querySelector("button.like");
  button?.setAttribute("aria-pressed", liked);
  if (button) button.value = liked ? "0" : "1";
}

/** Take a card away; who stood on it stands on the next one, or on the one before. */
export function remove(card) {
  const next = card.nextElementSibling ?? card.previousElementSibling ?? document.getElementById("main");
  const hadFocus = card.contains(document.activeElement);
  card.remove();
  if (hadFocus) next.focus();
}
