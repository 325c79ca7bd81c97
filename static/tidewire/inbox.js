/** Notifications: the list, the count of unread ones wherever it is shown, and a note of a new one. */

import { announce } from "./announcer.js";
import { cardOf, insert, isNews, listOf, remove } from "./cards.js";
import { toast } from "./toasts.js";

const badge = document.getElementById("badge");
const isOfHere = (url) => /^\/(?!\/)/.test(url);

/** Show how many are unread: on the page, in its title, and on the app. */
function count({ unread_count, version }) {
  if (!badge || !isNews(badge, version)) return;
  badge.hidden = unread_count === 0;
  document.getElementById("unread").textContent = unread_count;
  document.title = (unread_count ? `(${unread_count}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  document.getElementById("read-all")?.toggleAttribute("hidden", unread_count === 0);
  showOnApp(unread_count);
}

/** Show the count on the app's icon, where there is one. */
export function showOnApp(count) {
  (count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.())?.catch(() => {});
}

function fill(row, { text, subject, read_at }) {
  const link = row.querySelector(".notice-text");
  link.textContent = text;
  if (isOfHere(subject.url)) link.href = subject.url;
  markAs(row, Boolean(read_at));
}

function markAs(row, isRead) {
  row.classList.toggle("is-unread", !isRead);
  row.querySelector("form").hidden = isRead;
}

function add(isLive, { notification, ...inbox }) {
  count(inbox);
  if (insert("notification", notification, fill)) keepUpTo(notification.id);
  if (notification.read_at) return;
  announce("notification");
  if (isLive && !document.hidden && !listOf("notification") && isOfHere(notification.subject.url)) toast(notification.text, notification.subject.url);
}

/** What is new on the page is read with the rest of it. */
function keepUpTo(id) {
  const shown = document.querySelector("#read-all [name=up_to]");
  if (shown) shown.value = Math.max(id, shown.value);
}

function change({ notification, ...inbox }) {
  count(inbox);
  const row = cardOf("notification", notification.id);
  if (notification.archived_at || notification.snoozed_until) return row && remove(row);
  if (row && isNews(row, notification.version)) fill(row, notification);
}

/** One event may tell of all up to a notification: then fewer are unread than are shown so. */
function read({ notification, ...inbox }) {
  change({ notification, ...inbox });
  const unread = [...document.querySelectorAll(".notice.is-unread")];
  if (unread.length <= inbox.unread_count) return;
  unread.filter((row) => Number(row.dataset.id) <= notification.id).forEach((row) => markAs(row, true));
}

function withdraw({ notification, ...inbox }) {
  count(inbox);
  const row = cardOf("notification", notification.id);
  if (row) remove(row);
}

/** Return what each event does; `isLive` says whether it happens just now. */
export const inbox = (isLive) => ({
  "notifications.notification.created": (data) => add(isLive(), data),
  "notifications.notification.updated": change,
  "notifications.notification.read": read,
  "notifications.notification.withdrawn": withdraw,
});
