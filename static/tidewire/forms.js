/** Forms that need no reload. Without this module they are sent as they are, and do the same. */

import { fillCounts, fillEntry, isNews, setLiked } from "./cards.js";

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
  throw new Error(problem.errors?.[0]?.message || problem.detail || "That did not work. Please try again.");
}

/** Say what went wrong in words, also where the browser only has its own. */
const inWords = (error) => (error instanceof TypeError ? "The server cannot be reached. Nothing is lost; please try again." : error.message);

/** Like or unlike at once, and take it back when the server does not. */
async function like(form) {
  const card = form.closest(".entry");
  const { id, version } = card.dataset;
  const button = form.querySelector("button");
  const number = form.querySelector("[data-count]");
  const [liked, before] = [button.value === "1", Number(number.textContent)];
  setLiked(card, liked);
  number.textContent = before + (liked ? 1 : -1);
  card.querySelector(".trouble").textContent = "";
  try {
    const entry = await ask(liked ? "PUT" : "DELETE", `/api/v1/entries/${id}/like/`);
    if (isNews(card, entry.version)) fillEntry(card, entry);
  } catch (error) {
    setLiked(card, !liked);
    // A count that came in the meantime is the right one already.
    if (card.dataset.version === version) number.textContent = before;
    card.querySelector(".trouble").textContent = inWords(error);
  }
}

/** Publish an entry or a comment; what was typed stays until the server has it. */
async function say(form, said) {
  const { csrfmiddlewaretoken, ...body } = Object.fromEntries(new FormData(form));
  const typed = JSON.stringify(body);
  if (form.dataset.typed !== typed) Object.assign(form.dataset, { typed, key: newKey() });
  showError(form, "");
  try {
    const row = await ask("POST", form.dataset.say, body, { "Idempotency-Key": form.dataset.key });
    delete form.dataset.typed;
    form.elements.text.value = "";
    said(row);
  } catch (error) {
    showError(form, inWords(error));
    form.elements.text.focus();
  }
}

function showError(form, words) {
  form.querySelector(".errorlist")?.remove();
  form.elements.text.toggleAttribute("aria-invalid", false);
  if (!words) return;
  const error = Object.assign(document.createElement("p"), { className: "errorlist", id: "text-error", textContent: words });
  error.setAttribute("role", "alert");
  form.elements.text.after(error);
  form.elements.text.setAttribute("aria-invalid", "true");
  form.elements.text.setAttribute("aria-describedby", error.id);
}

/** Take over the forms of the page; `said` is given each row that was published. */
export function upgradeForms(said) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const send = "like" in form.dataset ? like : "say" in form.dataset ? say : null;
    if (!send) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    await send(form, said);
    form.ariaBusy = "false";
  });
}

/** Mark a notification as read on the way to what it is about. */
export function markRead(id) {
  return ask("PATCH", `/api/v1/notifications/${id}/`, { read: true }).catch(() => {});
}
