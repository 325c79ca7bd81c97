/** Makes a page live: what happens on its topics is applied to what it shows. */

import { cardOf, fillCounts, fillEntry, fillText, insert, isNews, remove } from "./cards.js";
import { markRead, upgradeForms } from "./forms.js";
import { connect } from "./tidewire.js";
import { keepTicking } from "./times.js";

const PATIENCE = 3000;
const RELOAD_AT_MOST_EVERY = 30_000;

const page = document.querySelector("[data-cursor]");
const badge = document.getElementById("badge");
const connection = document.getElementById("connection");

const announce = (words) => (document.getElementById("announcer").textContent = words);

// -- Entries and comments ---------------------------------------------------------------------------------------------

function addEntry(entry, isOwnDoing = false) {
  const card = insert("entry", entry, fillEntry);
  if (card && !isOwnDoing) announce(`New entry by ${entry.author.username}`);
  if (card) keepOwn(card, entry);
}

function addComment(comment, isOwnDoing = false) {
  if (String(comment.entry) !== page.dataset.entry) return;
  const card = insert("comment", comment, fillText);
  if (card && !isOwnDoing) announce(`New comment by ${comment.author.username}`);
  if (card) keepOwn(card, comment);
}

/** The mould has what only the author may do, and under an entry the feed's owner; on others' cards it goes. */
function keepOwn(card, { author }) {
  if (author.username !== document.body.dataset.user && !("keeps" in page.dataset)) card.querySelector("[data-own]")?.remove();
}

function change(kind, row, fill) {
  const card = cardOf(kind, row.id);
  if (card && isNews(card, row.version)) fill(card, row);
}

function deleteEntry({ id }) {
  const card = cardOf("entry", id);
  if (page.dataset.entry === String(id)) return sayForGood("This entry was deleted.", "/", "Go to the front page");
  if (card) remove(card);
}

// -- Notifications ----------------------------------------------------------------------------------------------------

function count({ unread_count, version }) {
  if (!badge || !isNews(badge, version)) return;
  badge.hidden = unread_count === 0;
  document.getElementById("unread").textContent = unread_count;
  document.title = (unread_count ? `(${unread_count}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  document.getElementById("read-all")?.toggleAttribute("hidden", unread_count === 0);
}

function fillNotification(row, { text, subject, read_at }) {
  const link = row.querySelector(".notice-text");
  link.textContent = text;
  if (/^\/(?!\/)/.test(subject.url)) link.href = subject.url;
  markAs(row, Boolean(read_at));
}

function markAs(row, isRead) {
  row.classList.toggle("is-unread", !isRead);
  row.querySelector("form").hidden = isRead;
}

function addNotification({ notification, ...inbox }) {
  count(inbox);
  const row = insert("notification", notification, fillNotification);
  if (!row) return;
  const shown = document.querySelector("#read-all [name=up_to]");
  if (shown) shown.value = Math.max(notification.id, shown.value);
}

function changeNotification({ notification, ...inbox }) {
  count(inbox);
  if (notification.archived_at || notification.snoozed_until) return takeAway(notification);
  change("notification", notification, fillNotification);
}

/** One event may tell of all up to a notification: then fewer are unread than are shown so. */
function readNotification({ notification, ...inbox }) {
  changeNotification({ notification, ...inbox });
  const unread = [...document.querySelectorAll(".notice.is-unread")];
  if (unread.length <= inbox.unread_count) return;
  unread.filter((row) => Number(row.dataset.id) <= notification.id).forEach((row) => markAs(row, true));
}

function withdraw({ notification, ...inbox }) {
  count(inbox);
  takeAway(notification);
}

function takeAway(notification) {
  const row = cardOf("notification", notification.id);
  if (row) remove(row);
}

// -- The connection ---------------------------------------------------------------------------------------------------

const APPLY = {
  "feeds.entry.published": ({ entry }) => addEntry(entry),
  "feeds.entry.edited": ({ entry }) => change("entry", entry, fillEntry),
  "feeds.entry.counted": ({ entry }) => change("entry", entry, fillCounts),
  "feeds.entry.deleted": ({ entry }) => deleteEntry(entry),
  "feeds.entry.hidden": ({ entry }) => deleteEntry(entry),
  "feeds.comment.published": ({ comment }) => addComment(comment),
  "feeds.comment.edited": ({ comment }) => change("comment", comment, fillText),
  "feeds.comment.deleted": ({ comment }) => cardOf("comment", comment.id) && remove(cardOf("comment", comment.id)),
  "feeds.comment.hidden": ({ comment }) => cardOf("comment", comment.id) && remove(cardOf("comment", comment.id)),
  "notifications.notification.created": addNotification,
  "notifications.notification.updated": changeNotification,
  "notifications.notification.read": readNotification,
  "notifications.notification.withdrawn": withdraw,
};

/** Say something about the connection; with an address, also what to do. */
function say(words, href = "", todo = "") {
  connection.textContent = words;
  if (href) connection.append(" ", Object.assign(document.createElement("a"), { href, textContent: todo }));
}

let hasToAct = false;

/** Say what the reader has to do; a connection that comes back does not undo it. */
function sayForGood(...words) {
  hasToAct = true;
  say(...words);
}

let trouble = 0;

/** Show the state of the connection; what passes within seconds concerns nobody. */
function show(state) {
  connection.dataset.state = state;
  if (state === "offline") trouble ||= setTimeout(tellTrouble, PATIENCE);
  if (state !== "live" && state !== "signed out") return;
  clearTimeout(trouble);
  trouble = 0;
  if (state === "signed out") sayForGood("You are signed out.", `/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`, "Sign in");
  else if (!hasToAct) say("");
}

function tellTrouble() {
  if (!hasToAct) say(navigator.onLine ? "The connection is lost. Trying again…" : "You are offline. This page goes on when you are back.");
}

/** Who follows or unfollows elsewhere sees it here: what is not followed any more goes, what is new is one reload away. */
function changeTopics(added, removed) {
  for (const topic of removed) {
    const [, feed] = topic.match(/^feeds\.([\w-]+)$/) ?? [];
    if (feed) document.querySelectorAll(`.entry[data-feed="${feed}"]`).forEach(remove);
  }
  if (added.length) sayForGood("You follow more now.", location.href, "Show it");
}

/** Read the page anew, but never over what somebody is typing, nor again and again. */
function reset() {
  const isTyping = [...document.querySelectorAll("textarea")].some((field) => field.value);
  const last = Number(sessionStorage.getItem("reloaded") ?? 0);
  if (isTyping || Date.now() - last < RELOAD_AT_MOST_EVERY) return sayForGood("This page is out of date.", location.href, "Reload");
  sessionStorage.setItem("reloaded", Date.now());
  location.reload();
}

function apply(events) {
  for (const { type, data } of events) {
    try {
      APPLY[type]?.(data);
    } catch (error) {
      // One event that this page cannot show must not keep it from the next ones.
      console.error(type, error);
    }
  }
}

document.addEventListener("click", ({ target }) => {
  const row = target.closest?.(".notice-text")?.closest(".notice.is-unread");
  if (row) markRead(row.dataset.id);
});
upgradeForms((row) => ("entry" in row ? addComment(row, true) : addEntry(row, true)));
keepTicking();
/** The connection of this page, for modules that show more than events. */
export const live = page?.dataset.topics ? connect({ identity: document.body.dataset.user ?? "" }) : null;
if (live) {
  live.addEventListener("state", () => show(live.state));
  show(live.state);
  const what = { topics: page.dataset.topics.split(","), after: page.dataset.cursor };
  live.subscribe(what, { events: apply, reset, revoked: reset, topics: changeTopics, refused: () => sayForGood("This page is no longer live.", location.href, "Reload") });
}
