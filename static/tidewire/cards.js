/** Entries, comments and notifications on the page: each once, by its id, and never older than it is already. */

import { tick } from "./times.js";

const FRESH = 6000;

export const cardOf = (kind, id) => document.getElementById(`${kind}-${id}`);
export const listOf = (kind) => document.querySelector(`[data-list="${kind}"]`);
export const viewer = document.body.dataset.user;

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
  place(list, card);
  card.classList.add("is-new");
  setTimeout(() => card.classList.remove("is-new"), FRESH);
  return card;
}

/** Comments grow downwards, all else upwards. */
function place(list, card) {
  const id = Number(card.dataset.id);
  const isAfter = list.dataset.list === "comment" ? (other) => other > id : (other) => other < id;
  list.insertBefore(card, [...list.children].find((other) => isAfter(Number(other.dataset.id))) ?? null);
  showEmpty(list);
  if (list.dataset.list === "entry") list.setAttribute("role", "feed");
}

/** Say that there is nothing for as long as there is nothing. */
export function showEmpty(list) {
  const words = document.querySelector("[data-empty]");
  if (words) words.hidden = list.childElementCount > 0;
}

/** Copy the mould, whose every address and id has a 0 where the row's id belongs. */
function stamp(kind, row) {
  const card = document.getElementById(`${kind}-mould`).content.firstElementChild.cloneNode(true);
  number(card, 0, row.id);
  card.dataset.version = row.version;
  card.querySelector("time").dateTime = row.created_at;
  return card;
}

function number(card, from, to) {
  const pattern = new RegExp(`(entry|entries|comment|comments|answer|notification|notifications)([-/])${from}\\b`);
  for (const element of [card, ...card.querySelectorAll("*")]) {
    for (const name of ["id", "href", "action", "for", "aria-labelledby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace(pattern, `$1$2${to}`));
    }
  }
  const parent = card.querySelector("[name=parent]");
  if (parent) parent.value = to;
  card.dataset.id = to;
}

/** Show what is being sent, as it will stand there; its id is only this page's, and above all others. */
export function promise(kind, row, fill) {
  const card = insert(kind, { ...row, id: 9e15 + performance.now(), version: 0 }, fill);
  if (!card) return null;
  card.classList.replace("is-new", "is-sending");
  card.ariaBusy = "true";
  card.inert = true;
  return card;
}

/** Make what was promised what it is; when it is there already, by another way, the promise goes. */
export function keep(card, kind, row, fill) {
  if (cardOf(kind, row.id)) return card.remove();
  number(card, card.dataset.id, row.id);
  card.classList.remove("is-sending");
  card.ariaBusy = null;
  card.inert = false;
  card.dataset.version = row.version;
  card.querySelector("time").dateTime = row.created_at;
  fill(card, row);
  place(listOf(kind), card);
}

/** Return the promise of what one has said oneself: an event can be here before the answer to the request is. */
export function promised(kind, { author, text }) {
  if (author.username !== viewer) return null;
  return [...(listOf(kind)?.querySelectorAll(".is-sending") ?? [])].find((card) => card.querySelector(".entry-text").textContent === text);
}

/** Fill in what an entry and a comment have in common; the mould has what its author may do, and what others may. */
function fillText(card, { author, text, edited_at }) {
  const link = card.querySelector(".author");
  link.firstElementChild.textContent = author.username;
  link.href = `/feeds/${encodeURIComponent(author.username)}/`;
  card.querySelector(".entry-text").textContent = text;
  card.querySelector(".edited").hidden = !edited_at;
  card.dataset.author = author.id;
  card.querySelector("[data-keep-away]")?.setAttribute("href", `${link.getAttribute("href")}#keep-away`);
  const isKept = document.querySelector("[data-keeps]");
  const others = author.username === viewer ? "[data-others]" : isKept ? "[data-own]:not(.delete)" : "[data-own]";
  for (const part of card.querySelectorAll(others)) part.remove();
}

/** Fill in a comment. */
export function fillComment(card, comment) {
  fillText(card, comment);
  const answers = card.querySelector(".answers");
  answers.hidden = !comment.parent;
  if (comment.parent) answers.setAttribute("href", `#comment-${comment.parent}`);
  if (comment.parent) card.querySelector("[data-answers]")?.remove();
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
  const [list, hadFocus] = [card.parentElement, card.contains(document.activeElement)];
  card.remove();
  if ("list" in list.dataset) showEmpty(list);
  if (hadFocus) next.focus({ preventScroll: true });
}
