/** The strip above the admin's deliveries: what was tried since the page was opened. The page itself stays as it is. */

import { connect } from "./tidewire.js";

const WORDS = { live: "Live.", "catching up": "Connecting…", offline: "Not live: waiting for the connection.", "signed out": "Not live: you are signed out." };

const strip = document.getElementById("strip");
const { topic, delivery, user } = strip.dataset;
const live = connect({ identity: user });
const counts = { succeeded: 0, failed: 0 };
let news = "";

function show() {
  strip.hidden = false;
  strip.dataset.state = live.state;
  strip.replaceChildren(WORDS[live.state]);
  if (news) strip.append(" ", news, " ", Object.assign(document.createElement("a"), { href: location.href, textContent: "Show" }));
}

/** Of all endpoints: how many attempts went how. */
function sum({ webhooks }) {
  for (const each of Object.values(webhooks)) {
    counts.succeeded += each.succeeded ?? 0;
    counts.failed += each.failed ?? 0;
  }
  news = `Attempts since you opened this page: ${counts.succeeded} succeeded, ${counts.failed} failed.`;
}

/** Of one delivery: the newest attempt. */
function name({ attempts }) {
  const own = attempts.filter((attempt) => String(attempt.delivery) === delivery).at(-1);
  if (own) news = `Attempt ${own.number}: ${own.status_code ?? (own.error || "no answer")}.`;
}

live.notices.addEventListener(topic, ({ data }) => {
  if (delivery) name(data);
  else sum(data);
  show();
});
live.addEventListener("state", show);
live.subscribe({ topics: [topic] }, { refused: () => (strip.hidden = true) });
show();
