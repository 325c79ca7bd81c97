/** Shows a newcomer's first event as it arrives by each way out. */

import { live } from "./page.js";
import { gettext } from "./words.js";

const form = document.getElementById("first-run");
const published = "feeds.entry.published";
let sent = 0;

const wait = (way) => (document.querySelector(`#out-${way} .state`).hidden = false);

/** Show that the event has arrived, and how long it took. */
function light(way) {
  if (!sent) return;
  const state = document.querySelector(`#out-${way} .state`);
  if (state.classList.contains("is-live")) return;
  state.classList.add("is-live");
  state.textContent = gettext("arrived after %(count)s ms", { count: Math.round(performance.now() - sent) });
  document.getElementById(`way-${way}`).classList.add("is-lit");
}

/** A stream beside the page's own connection, only to be seen; it ends with what it is for. */
function watchStream() {
  const stream = new EventSource("/live/sse?topics=home");
  stream.onmessage = ({ data }) => {
    if (JSON.parse(data).type !== published) return;
    light("stream");
    stream.close();
  };
  addEventListener("pagehide", () => stream.close());
}

/** What a receiver refused has not arrived; it is tried again. */
const isTaken = ({ event, status }) => event.type === published && status === "succeeded";

/** Who has an endpoint sees the event arrive there; who has none finds the way to one. */
async function watchWebhook() {
  const answer = await fetch("/api/v1/webhooks/endpoints/");
  const endpoint = answer.ok && (await answer.json()).results.find(({ enabled }) => enabled);
  if (!endpoint) return;
  const topic = `webhooks.${endpoint.id}`;
  live.notices.addEventListener(topic, ({ data }) => data.deliveries.some(isTaken) && light("webhook"));
  live.subscribe({ topics: [topic] });
  wait("webhook");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  sent = performance.now();
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    if (!answer.ok) throw new Error(answer.statusText);
    document.querySelector(".fan").classList.add("is-sent");
  } catch {
    // Without this module it is sent as it is.
    form.submit();
  }
});

live.subscribe(
  { topics: ["home", "me"] },
  {
    events(events) {
      if (events.some(({ type }) => type === published)) light("socket");
      if (events.some(({ type }) => type === "notifications.notification.created")) light("notification");
    },
  },
);
["socket", "stream", "notification"].forEach(wait);
watchStream();
watchWebhook().catch(() => {});
