/** Offers to show notifications on this device while no page is open, where the server and the browser can. */

import { gettext } from "./words.js";

const offer = document.getElementById("push");
const path = "/api/v1/notifications/browsers/";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

async function send(method, url, body) {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  const answer = await fetch(url, { method, headers: { "X-CSRFToken": token, "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(answer.statusText);
}

async function begin(worker, key) {
  const taken = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const { endpoint, keys } = taken.toJSON();
  await send("POST", path, { endpoint, keys });
}

async function prepare() {
  if (!offer || !("PushManager" in window) || !navigator.serviceWorker) return;
  const { public_key: key } = await (await fetch("/api/v1/notifications/web-push-key/")).json();
  if (!key) return;
  const worker = await navigator.serviceWorker.register("/service-worker.js");
  if (await worker.pushManager.getSubscription()) return;
  offer.hidden = false;
  offer.querySelector("button").addEventListener("click", async () => {
    const words = await begin(worker, key).then(
      () => gettext("This device tells you from now on."),
      () => gettext("This browser does not allow it."),
    );
    offer.querySelector("button").replaceWith(words);
  });
}

prepare().catch(() => {});
