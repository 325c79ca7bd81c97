/** Forms that need no reload. Without this module they are sent as they are, and do the same. */

import { answer } from "./announcer.js";
import { cardOf, fillComment, fillCounts, fillEntry, insert, isNews, keep, promise, remove, setLiked, showEmpty, viewer } from "./cards.js";
import { gettext, ngettext } from "./words.js";

const FILLS = { entry: fillEntry, comment: fillComment };

/** A name for what is being sent: asked again with the same one, the server does it once. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function ask(method, path, body, headers = {}) {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  const answer = await fetch(path, {
    method,
    headers: { "X-CSRFToken": token, "Content-Type": "application/json", ...headers },
    body: body && JSON.stringify(body),
    keepalive: true,
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new Error(gettext("You are signed out. Sign in, and do it again."));
  if (answer.status === 404) throw new Error(gettext("This is not there any more, or you may no longer read it."));
  throw new Error(problem.errors?.[0]?.message || problem.detail || gettext("That did not work. Please try again."));
}

/** Say what went wrong in words, also where the browser only has its own. */
const inWords = (error) => (error instanceof TypeError ? gettext("The server cannot be reached. Nothing is lost; please try again.") : error.message);

// -- Liking, hiding, following ----------------------------------------------------------------------------------------

/** Like or unlike at once, and take it back when the server does not. */
async function like(form) {
  const card = form.closest(".entry");
  const { id, version } = card.dataset;
  const number = form.querySelector("[data-count]");
  const [liked, before] = [form.querySelector("button").value === "1", Number(number.textContent)];
  setLiked(card, liked);
  number.textContent = Math.max(0, before + (liked ? 1 : -1));
  const trouble = card.querySelector(":scope > .trouble");
  trouble.textContent = "";
  try {
    const entry = await ask(liked ? "PUT" : "DELETE", `/api/v1/entries/${id}/like/`);
    // The same version, too: the count that was shown at once may be one that was there already.
    if (isNews(card, entry.version) || String(entry.version) === card.dataset.version) fillCounts(card, entry);
    setLiked(card, entry.liked);
  } catch (error) {
    setLiked(card, !liked);
    // A count that came in the meantime is the right one already.
    if (card.dataset.version === version) number.textContent = before;
    trouble.textContent = inWords(error);
  }
}

/** Take an entry out of the list at once; when the server does not, it is there again. */
async function hide(form) {
  const card = form.closest(".entry");
  const [list, next] = [card.parentElement, card.nextElementSibling];
  remove(card);
  answer(gettext("Hidden from your lists."));
  try {
    await ask("PUT", `/api/v1/entries/${card.dataset.id}/dismiss/`);
  } catch (error) {
    list.insertBefore(card, next?.isConnected ? next : null);
    showEmpty(list);
    card.querySelector(":scope > .trouble").textContent = inWords(error);
  }
}

/** Show how one follows a feed. */
export function showFollowing(form, state) {
  const button = form.querySelector("button");
  const isPrivate = form.dataset.visibility === "followers";
  const words = { accepted: gettext("Following"), pending: gettext("Asked: take it back"), "": isPrivate ? gettext("Ask to follow") : gettext("Follow") };
  form.dataset.state = state;
  button.textContent = words[state];
  if (state === "accepted") button.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: `: ${gettext("unfollow")}` }));
  button.classList.toggle("quiet-button", Boolean(state));
  button.value = state ? "0" : "1";
}

/** Show how many follow a feed. */
export function showFollowers(count) {
  const place = document.getElementById("followers");
  if (place) place.textContent = ngettext("%(count)s follower", "%(count)s followers", count);
}

async function follow(form) {
  const before = form.dataset.state;
  const trouble = document.getElementById("follow-trouble");
  trouble.textContent = "";
  showFollowing(form, before ? "" : form.dataset.visibility === "followers" ? "pending" : "accepted");
  try {
    const answer = await ask(before ? "DELETE" : "PUT", `/api/v1/feeds/${form.dataset.follow}/follow/`);
    showFollowing(form, answer?.state ?? "");
  } catch (error) {
    showFollowing(form, before);
    trouble.textContent = inWords(error);
  }
}

// -- Publishing, commenting, answering --------------------------------------------------------------------------------

/** Show what is said at once, and send it; when the server does not take it, it stands in the field again. */
async function say(form) {
  const { csrfmiddlewaretoken, ...body } = Object.fromEntries(new FormData(form));
  const kind = form.dataset.say.endsWith("/comments/") ? "comment" : "entry";
  const field = form.elements.text;
  const typed = JSON.stringify(body);
  if (form.dataset.typed !== typed) Object.assign(form.dataset, { typed, key: newKey() });
  showError(form, "");
  const card = promise(kind, draft(body), FILLS[kind]);
  field.value = "";
  try {
    const row = await ask("POST", form.dataset.say, body, { "Idempotency-Key": form.dataset.key });
    delete form.dataset.typed;
    said(card, kind, row);
    const menu = form.closest("details");
    if (menu) menu.open = false;
  } catch (error) {
    if (card) remove(card);
    // What was begun meanwhile stays below it.
    field.value = [body.text, field.value].filter(Boolean).join("\n\n");
    showError(form, inWords(error));
    field.focus();
  }
}

const draft = ({ parent, ...body }) => ({
  ...body,
  text: body.text.replace(/^\s+|\s+$/g, ""),
  parent: parent && Number(parent),
  author: { id: 0, username: viewer },
  created_at: new Date().toISOString(),
  like_count: 0,
  comment_count: 0,
});

/** An event may have made of the promise what it is before this answer came. */
function said(card, kind, row) {
  if (card?.classList.contains("is-sending")) keep(card, kind, row, FILLS[kind]);
  else if (!cardOf(kind, row.id)) insert(kind, row, FILLS[kind]);
}

function showError(form, words) {
  form.querySelector(".errorlist")?.remove();
  const field = form.elements.text;
  field.removeAttribute("aria-invalid");
  if (!words) return;
  const error = Object.assign(document.createElement("p"), { className: "errorlist", id: `${field.id}-error`, textContent: words });
  error.setAttribute("role", "alert");
  field.after(error);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", error.id);
}

// -- All of them ------------------------------------------------------------------------------------------------------

const SENDS = Object.entries({ like, hide, follow, say });

/** The second click of a double click means the first, even when that was answered before it came. */
function ignoreSecondClick(event) {
  if (event.detail > 1 && event.target.closest("[data-like] button, [data-follow] button")) event.preventDefault();
}

/** Take over the forms of the page. */
export function upgradeForms() {
  document.addEventListener("click", ignoreSecondClick);
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const [, send] = SENDS.find(([name]) => name in form.dataset) ?? [];
    if (!send) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    await send(form);
    form.ariaBusy = "false";
  });
}

/** Mark a notification as read on the way to what it is about. */
export function markRead(id) {
  return ask("PATCH", `/api/v1/notifications/${id}/`, { read: true }).catch(() => {});
}
