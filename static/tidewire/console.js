/** The live console: what goes over a connection of its own, frame by frame, as it was sent and as it came. */

import "./copy.js";
import "./tools.js";

const KEPT = 200;
// So many rows are drawn at once, and no more often: a storm is counted, not drawn.
const DRAWN = 25;
const DRAW_EVERY = 150;
const LONGEST_WAIT = 30_000;
const SAID_EVERY = 5000;
const FINAL = [4401, 4403];

const find = (id) => document.getElementById(id);
const [form, sending, list, state, counts] = ["console-form", "console-send", "frames", "console-state", "console-counts"].map(find);
const { topics, types, after } = form.elements;
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const number = new Intl.NumberFormat(document.documentElement.lang);

// -- What is shown ----------------------------------------------------------------------------------------------------

const shown = { frames: 0, events: 0, skipped: 0 };
let [waiting, drawing, isPaused, unsaid, saying] = [[], 0, false, 0, 0];

function note(direction, kind, text, about = "", events = 0) {
  shown.frames += 1;
  shown.events += events;
  unsaid += events;
  waiting.push({ direction, kind, text, about, at: new Date() });
  if (waiting.length > KEPT) [waiting, shown.skipped] = [waiting.slice(-KEPT), shown.skipped + 1];
  drawing ||= setTimeout(draw, shown.frames < DRAWN ? 0 : DRAW_EVERY);
  saying ||= unsaid && setTimeout(say, SAID_EVERY);
}

/** Draw the newest of what waits; who reads further up stays there. */
function draw() {
  drawing = 0;
  count();
  if (isPaused || !waiting.length) return;
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const newest = waiting.slice(-DRAWN);
  shown.skipped += waiting.length - newest.length;
  waiting = [];
  list.append(...newest.map(row));
  while (list.childElementCount > KEPT) list.firstElementChild.remove();
  count();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function row({ direction, kind, text, about, at }) {
  const item = find("frame").content.firstElementChild.cloneNode(true);
  const fill = (name, words) => (item.querySelector(`.frame-${name}`).textContent = words);
  item.dataset.direction = direction;
  fill("way", { sent: "Sent", received: "Received", said: "Note" }[direction]);
  fill("time", `${clock.format(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`);
  fill("kind", kind);
  fill("about", about);
  fill("text", text);
  return item;
}

const many = (count, word) => `${number.format(count)} ${word}${count === 1 ? "" : "s"}`;

function count() {
  const words = [many(shown.frames, "frame"), many(shown.events, "event")];
  if (shown.skipped) words.push(`${number.format(shown.skipped)} too many to show`);
  if (isPaused) words.push(`${number.format(waiting.length)} waiting`);
  counts.textContent = words.join(", ");
}

function say() {
  find("announcer").textContent = `${many(unsaid, "event")} came`;
  [unsaid, saying] = [0, 0];
}

function tell(words, isOn) {
  state.textContent = words;
  state.dataset.state = isOn ? "live" : "";
  find("connect").textContent = link ? "Disconnect" : "Connect";
  sending.hidden = !link?.send;
}

// -- The connection ---------------------------------------------------------------------------------------------------

let [link, cursor, tries, retrying] = [null, "", 0, 0];

const lines = (field) => field.value.split(/[\s,]+/).filter(Boolean);

function about(frame) {
  const kinds = [...new Set((frame.events ?? []).map(({ type }) => type))];
  return frame.message ?? frame.reason ?? (kinds.join(", ") || (frame.topics ?? []).join(", "));
}

function hear(text, take) {
  try {
    take(JSON.parse(text));
  } catch {
    note("received", "text", text);
  }
}

function socket() {
  const it = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live/ws`, "tidewire.v1");
  const send = (text) => {
    it.send(text);
    hear(text, (frame) => note("sent", frame.type, text, about(frame)));
  };
  it.onopen = () => send(JSON.stringify({ type: "subscribe", id: 1, topics: lines(topics), types: types.value ? lines(types) : undefined, after: cursor || undefined }));
  it.onmessage = ({ data }) =>
    hear(data, (frame) => {
      cursor = frame.cursor ?? frame.cursors?.["1"] ?? cursor;
      note("received", frame.type, data, about(frame), frame.events?.length ?? 0);
      if (frame.type === "subscribed") works();
      if (frame.type === "error" && frame.id === 1) stop("Refused");
    });
  it.onclose = ({ code, reason }) => link?.is === it && lost(`closed with ${code} ${reason}`, FINAL.includes(code));
  return { is: it, send, close: () => ((it.onmessage = it.onclose = null), it.close()) };
}

function stream() {
  const aborting = new AbortController();
  const self = { is: aborting, close: () => aborting.abort() };
  follow(aborting.signal).catch((error) => link === self && lost(error.message, error.isFinal));
  return self;
}

/** Read the lines as they come; an `EventSource` would keep them to itself. */
async function follow(signal) {
  const query = new URLSearchParams(Object.entries({ topics: lines(topics).join(), types: lines(types).join(), after: cursor }).filter(([, value]) => value));
  const path = `/live/sse?${query}`;
  note("sent", "GET", `GET ${path}\nAccept: text/event-stream`, path);
  const answer = await fetch(path, { signal, headers: { Accept: "text/event-stream" } });
  if (!answer.ok) {
    const text = await answer.text();
    note("received", String(answer.status), text);
    throw Object.assign(new Error(`answered with ${answer.status}`), { isFinal: answer.status < 500 });
  }
  works();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "", read = await reader.read(); !read.done; read = await reader.read()) {
    const blocks = (rest + read.value).split("\n\n");
    rest = blocks.pop();
    blocks.forEach(take);
  }
  throw new Error("the stream ended");
}

function take(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => line.match(/^(\w*): ?(.*)$/)?.slice(1) ?? [line, ""]));
  cursor = fields.id || cursor;
  const isEvent = fields.data && !fields.event;
  const kind = fields.event ?? (isEvent ? "event" : "heartbeat");
  note("received", kind, block, isEvent ? JSON.parse(fields.data).type : "", isEvent ? 1 : 0);
}

function start() {
  clearTimeout(retrying);
  const isSocket = form.elements.transport.value === "socket";
  link = isSocket ? socket() : stream();
  tell("Connecting…");
}

function works() {
  tries = 0;
  tell("Live", true);
}

function lost(why, isFinal) {
  note("said", "lost", `The connection was ${why}.`, why);
  if (isFinal) return stop("Not connected");
  link.close();
  const wait = Math.random() * Math.min(LONGEST_WAIT, 1000 * 2 ** tries++);
  retrying = setTimeout(start, wait);
  tell("Lost: trying again…");
}

function stop(words = "Not connected") {
  clearTimeout(retrying);
  link?.close();
  link = null;
  tell(words);
}

// -- What one does ----------------------------------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (link) return stop();
  [cursor, tries] = [after.value.trim(), 0];
  start();
});
form.elements.transport.forEach((each) => each.addEventListener("change", () => link && (stop(), start())));
sending.addEventListener("submit", (event) => {
  event.preventDefault();
  if (link?.is.readyState === WebSocket.OPEN) link.send(sending.elements.frame.value);
});
find("pause-frames").addEventListener("click", ({ target }) => {
  isPaused = !isPaused;
  target.setAttribute("aria-pressed", isPaused);
  draw();
});
find("clear-frames").addEventListener("click", () => {
  [waiting, shown.frames, shown.events, shown.skipped] = [[], 0, 0, 0];
  list.replaceChildren();
  count();
});
// What holds a connection cannot be kept for the way back.
window.addEventListener("pagehide", () => link && stop());

find("console-without").hidden = true;
for (const part of [form, find("console-box")]) part.hidden = false;
tell("Not connected");
count();
