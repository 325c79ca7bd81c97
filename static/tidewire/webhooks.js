/**
 * Keeps a page of the webhooks as a reload would show it. A notice says that something was tried; then the page is read
 * anew, and what differs is put in its place.
 */

import { offerCopies } from "./copy.js";
import { live } from "./page.js";
import { tick } from "./times.js";

const PAUSE = 1000;
// What was tried after the page was made and before it was live is in no notice: it is read after this.
const SETTLED = 1500;
const RUNNING = 2000;
const WORDS = { live: "Live", "catching up": "Connecting…", offline: "Not live: waiting for the connection", "signed out": "Not live: you are signed out" };

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// -- Reading the page anew --------------------------------------------------------------------------------------------

let [isWanted, isReading] = [false, false];

/** Read the page anew: at once, but at most once in a while, and not for nobody. */
async function renew() {
  isWanted = true;
  if (isReading) return;
  isReading = true;
  while (isWanted && !document.hidden) {
    isWanted = false;
    // A server that cannot be reached is told of by the state of the connection, and asked again when that is back.
    await read().catch(() => {});
    await wait(PAUSE);
  }
  isReading = false;
  // A job that runs moves on without an attempt.
  if (document.querySelector("[data-running]")) setTimeout(renew, RUNNING);
}

async function read() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const place of document.querySelectorAll("[data-renewed]")) replace(place, fresh.getElementById(place.id));
  for (const list of document.querySelectorAll("[data-rows]")) replaceRows(list, fresh.getElementById(list.id));
}

/** What a page says, without what differs each time: tokens, and times that have ticked. */
const plain = (element) =>
  element.innerHTML.replace(/value="\w{64}"/g, "").replace(/(<time datetime="[^"]*")[^>]*>[^<]*/g, "$1>").replace(/ open=""/g, "");

function replace(place, other) {
  if (!other || plain(place) === plain(other)) return;
  const focused = place.contains(document.activeElement) && document.activeElement.id;
  for (const fold of place.querySelectorAll("details[id]")) other.querySelector(`#${fold.id}`)?.toggleAttribute("open", fold.open);
  place.replaceChildren(...other.childNodes);
  tick(place);
  offerCopies(place);
  if (focused) document.getElementById(focused)?.focus();
}

/** Rows stay what they are, by their ids, so that nobody loses their place; only what differs is new. */
function replaceRows(list, other) {
  if (!other) return;
  const known = new Map([...list.children].map((row) => [row.id, row]));
  const rows = [...other.children].map((row) => {
    const old = known.get(row.id);
    if (!old) row.classList.add("is-new");
    else if ("open" in old) row.open = old.open;
    return old && plain(old) === plain(row) ? old : row;
  });
  // From the end on: what stays is not moved, and keeps the focus.
  rows.reduceRight((next, row) => {
    const old = known.get(row.id);
    if (old && old !== row) old.replaceWith(row);
    else if (!old) list.insertBefore(row, next);
    tick(row);
    return row;
  }, null);
  const kept = new Set(rows);
  for (const row of [...list.children]) if (!kept.has(row)) row.remove();
  offerCopies(list);
}

// -- Being live -------------------------------------------------------------------------------------------------------

function show() {
  const place = document.getElementById("liveness");
  if (place) Object.assign(place, { hidden: false, textContent: WORDS[live.state] }).dataset.state = live.state;
  if (live.state === "live") setTimeout(renew, SETTLED);
}

function told({ data: { counts } }) {
  const words = Object.entries(counts).map(([word, count]) => `${count} ${word}`);
  document.getElementById("announcer").textContent = `Attempts: ${words.join(", ")}`;
  renew();
}

if (live) {
  for (const topic of document.querySelector("[data-topics]").dataset.topics.split(",")) live.notices.addEventListener(topic, told);
  live.addEventListener("state", show);
  document.addEventListener("visibilitychange", () => !document.hidden && renew());
  show();
}
