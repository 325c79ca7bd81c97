/** Makes a page live: what happens on its topics is applied to what it shows. */

import { keepPlace } from "./anchor.js";
import { announce } from "./announcer.js";
import { arrive, changeWaiting, dropWaiting, renumber } from "./arrivals.js";
import { cardOf, fillComment, fillCounts, fillEntry, insert, isNews, keep, listOf, promised, remove, viewer } from "./cards.js";
import { markRead, showFollowers, showFollowing, upgradeForms } from "./forms.js";
import { perFrame } from "./frames.js";
import { inbox, showOnApp } from "./inbox.js";
import "./keys.js";
import "./older.js";
import { countMissed, sayForGood, show } from "./state.js";
import { connect } from "./tidewire.js";
import { keepTicking } from "./times.js";
import { gettext } from "./words.js";

// A page that many read must not be read anew by all of them at once.
const SPREAD = 2000;
const RELOAD_AT_MOST_EVERY = 30_000;

const page = document.querySelector("[data-cursor]");
let topics = page?.dataset.topics?.split(",") ?? [];
const away = new Set(page?.dataset.away?.split(","));
const isHome = topics.includes("home");
const isOver = () => sayForGood(gettext("This page is out of date."), location.href, gettext("Reload"));

// -- Entries and comments ---------------------------------------------------------------------------------------------

function change(kind, row, fill) {
  if (kind === "entry" && changeWaiting(row.id, (entry) => (row.version > entry.version ? { ...entry, ...row } : entry))) return;
  const card = cardOf(kind, row.id);
  if (card && isNews(card, row.version)) fill(card, row);
}

function drop(kind, { id }) {
  if (kind === "entry" && page.dataset.entry === String(id)) return sayForGood(gettext("This entry was deleted."), "/", gettext("Go to the front page"));
  if (kind === "entry" && changeWaiting(id, () => null)) return;
  const card = cardOf(kind, id);
  if (card) remove(card);
}

/** Take away all cards that are no longer to be seen, and what waits of them. */
function dropWhere(selector, isUnwanted) {
  document.querySelectorAll(selector).forEach(remove);
  if (listOf("entry")) dropWaiting(isUnwanted);
}

const comeIn = (entries) => arrive(entries.filter((entry) => !isAway(entry)));

function addComment({ comment }) {
  if (String(comment.entry) !== page.dataset.entry || cardOf("comment", comment.id) || isAway(comment)) return;
  const card = promised("comment", comment);
  if (card) return keep(card, "comment", comment, fillComment);
  if (insert("comment", comment, fillComment) && comment.author.username !== viewer) announce("comment");
}

/** Whom one keeps away is not left standing, and does not come in. */
function dropAuthor(id) {
  away.add(id);
  dropWhere(`[data-list] > .entry[data-author="${id}"]`, isAway);
}

const isAway = ({ author }) => away.has(String(author.id));

// -- Following --------------------------------------------------------------------------------------------------------

const followForm = (feed) => document.querySelector(`[data-follow="${feed.id}"]`);

function followed(state, { feed }, cursor) {
  const form = followForm(feed);
  if (form && form.ariaBusy !== "true") showFollowing(form, state);
  if (form && state === "accepted") readToo(`feeds.${feed.id}.followers`, cursor);
}

/** Read what followers read, too, from where one follows on. */
function readToo(topic, after) {
  if (topics.includes(topic)) return;
  topics.push(topic);
  live.subscribe({ topics: [topic], after }, tell);
}

function countFollowers({ feed }) {
  if (followForm(feed) || page.dataset.feed === String(feed.id)) showFollowers(feed.follower_count);
}

/** Who follows or unfollows elsewhere sees it here: what is not followed any more goes, what is new is one reload away. */
function changeTopics(added, removed) {
  for (const topic of removed) {
    const [, feed] = topic.match(/^feeds\.([\w-]+)$/) ?? [];
    if (feed) dropWhere(`[data-list] > .entry[data-feed="${feed}"]`, (entry) => String(entry.feed) === feed);
  }
  if (added.length) sayForGood(gettext("You follow more now."), location.href, gettext("Show it"));
}

/** What may be read no longer is not left standing; who had nothing of it before their eyes is not told. */
function revoke(gone) {
  topics = topics.filter((topic) => !gone.includes(topic));
  const before = document.querySelectorAll(".entry").length;
  gone.forEach(takeAway);
  if (document.querySelectorAll(".entry").length < before) sayForGood(gettext("You may no longer read all of this page."), "/", gettext("Go to the front page"));
}

function takeAway(topic) {
  const [, feed, part] = topic.match(/^feeds\.([\w-]+)(\.followers)?$/) ?? [];
  if (!feed) return;
  const isGone = `.entry[data-feed="${feed}"]` + (part ? ":has(.for-followers:not([hidden]))" : "");
  dropWhere(`[data-list] > ${isGone}`, (entry) => String(entry.feed) === feed && (!part || entry.visibility === "followers"));
  if (document.querySelector(`.single > ${isGone}`)) page.replaceChildren();
}

// -- What happens -----------------------------------------------------------------------------------------------------

const APPLY = {
  "feeds.entry.published": ({ entry }) => comeIn([entry]),
  "feeds.entry.restored": ({ entry }) => comeIn([entry]),
  "feeds.entry.edited": ({ entry }) => change("entry", entry, fillEntry),
  "feeds.entry.counted": ({ entry }) => change("entry", entry, fillCounts),
  "feeds.entry.deleted": ({ entry }) => drop("entry", entry),
  "feeds.entry.hidden": ({ entry }) => drop("entry", entry),
  "feeds.entry.dismissed": ({ entry }) => "entry" in page.dataset || drop("entry", entry),
  "feeds.comment.published": addComment,
  "feeds.comment.restored": addComment,
  "feeds.comment.edited": ({ comment }) => change("comment", comment, fillComment),
  "feeds.comment.deleted": ({ comment }) => drop("comment", comment),
  "feeds.comment.hidden": ({ comment }) => drop("comment", comment),
  "feeds.feed.followed": (data, cursor) => followed("accepted", data, cursor),
  "feeds.feed.requested": (data) => followed("pending", data),
  "feeds.feed.unfollowed": (data) => followed("", data),
  "feeds.feed.unrequested": (data) => followed("", data),
  "feeds.feed.counted": countFollowers,
  "access.user.blocked": ({ block }) => dropAuthor(String(block.user.id)),
  "access.user.muted": ({ mute }) => isHome && dropAuthor(String(mute.user.id)),
  "access.user.unblocked": ({ block }) => away.delete(String(block.user.id)),
  "access.user.unmuted": ({ mute }) => away.delete(String(mute.user.id)),
  ...inbox(() => live.state === "live"),
};

function apply(events) {
  keepPlace(() => joined(events).forEach(applyOne));
  renumber();
}

/** New entries that come together come in together. */
function joined(events) {
  const groups = [];
  for (const event of events) {
    const last = groups.at(-1);
    const isNew = event.type === "feeds.entry.published";
    if (isNew && last?.entries) last.entries.push(event.data.entry);
    else groups.push(isNew ? { entries: [event.data.entry] } : event);
  }
  return groups;
}

function applyOne({ type, data, cursor, entries }) {
  try {
    if (entries) comeIn(entries);
    else APPLY[type]?.(data, cursor);
  } catch (error) {
    // One event that this page cannot show must not keep it from the next ones.
    console.error(type, error);
  }
}

/** Read the page anew, but never over what somebody is typing, nor again and again. */
function reset() {
  const isTyping = [...document.querySelectorAll("textarea")].some((field) => field.value);
  const last = Number(sessionStorage.getItem("reloaded") ?? 0);
  if (isTyping || Date.now() - last < RELOAD_AT_MOST_EVERY) return isOver();
  sessionStorage.setItem("reloaded", Date.now());
  setTimeout(() => location.reload(), SPREAD * Math.random());
}

document.addEventListener("click", ({ target }) => {
  const row = target.closest?.(".notice-text")?.closest(".notice.is-unread");
  if (row) markRead(row.dataset.id);
});
upgradeForms();
keepTicking();
/** The connection of this page, for modules that show more than events. */
export const live = page?.dataset.topics ? connect({ identity: viewer ?? "" }) : null;
const take = perFrame(apply);
const events = (some) => (countMissed(some.length), take(some));
const tell = { events, reset, revoked: revoke, topics: changeTopics, refused: isOver };
if (live) {
  live.addEventListener("state", () => show(live.state));
  show(live.state);
  showOnApp(Number(document.getElementById("unread")?.textContent ?? 0));
  live.subscribe({ topics: [...topics], after: page.dataset.cursor }, tell);
}
