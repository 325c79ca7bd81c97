/** One connection, over whichever transport the network lets through. It always goes on from the last cursors. */

import { LiveError, SIGNED_OUT, ask, longPoll, socket, stream } from "./transports.js";

const LONGEST_WAIT = 30_000;
const STEADY = 10_000;
const PATIENCE = 10_000;
const GRACE = 5000;
const FIRST_LOOK_UP = 60_000;
const LONGEST_LOOK_UP = 960_000;
const SERVER_RESTARTS = 1012;
// Too many bad frames, too many connections: trying soon would be more of the same.
const SLOW = [4400, 4429];

/** Publish by a request. */
export function post(settings, event, key) {
  const token = settings.window.document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, "X-CSRFToken": token };
  return ask(settings, "/api/v1/events/", { method: "POST", headers, body: JSON.stringify(event) });
}

/** Connect; `tell` has `frame(frame)`, `notice(frame)` and `state("open" | "offline" | "signed out")`. */
export function connection(settings, tell) {
  const { setTimeout, clearTimeout, navigator, Date, Math, WebSocket, EventSource } = settings.window;
  const ways = [WebSocket && socket, EventSource && stream, longPoll].filter(Boolean);
  const all = new Map();
  let [way, failures, tries, since, heard, heartbeat] = [0, 0, 0, 0, 0, 25_000];
  let [transport, isReady, works, hasFirstWorked, isOver] = [null, false, false, false, false];
  let [retrying, watching, lookingUp, lookUp] = [0, 0, 0, FIRST_LOOK_UP];

  const takes = () => transport && (isReady || !transport.speaks);

  function begin() {
    drop();
    const only = (run) => (detail) => self === transport && run(detail);
    const self = (transport = ways[way](settings, { ready: only(ready), hear: only(hear), lost: only(lost) }));
    heard = Date.now();
    watch(PATIENCE);
    if (takes()) subscribe(self);
  }

  function subscribe(self) {
    if (!all.size) ready();
    for (const wanted of all.values()) if (self === transport) self.subscribe(wanted);
  }

  function ready(beat = heartbeat) {
    if (isReady) return;
    [heartbeat, isReady, since, heard] = [beat, true, Date.now(), Date.now()];
    watch(2 * heartbeat);
    tell.state("open");
    if (transport.speaks) subscribe(transport);
    if (!way) return;
    lookingUp = setTimeout(tryFirst, lookUp);
    lookUp = Math.min(2 * lookUp, LONGEST_LOOK_UP);
  }

  /** Perhaps the first transport goes through by now; if not, the next one goes on where this one was. */
  function tryFirst() {
    [way, failures, tries] = [0, 1, 0];
    begin();
  }

  function drop() {
    [retrying, watching, lookingUp].forEach(clearTimeout);
    const last = transport;
    [transport, isReady, works] = [null, false, false];
    last?.close();
  }

  function lost({ code, wait = 0, isUseless } = {}) {
    if (code === SIGNED_OUT) return end();
    if (isReady && Date.now() - since > STEADY) tries = 0;
    // A server that closes with a reason was reached; and without a network nothing is learnt of a transport.
    if (!works && !(code >= SERVER_RESTARTS) && navigator.onLine) failures += 1;
    const isNext = isUseless || failures >= (hasFirstWorked && !way ? 8 : 2);
    if (isNext) [way, failures] = [(way + 1) % ways.length, 0];
    const longest = Math.min(LONGEST_WAIT, 1000 * 2 ** tries++);
    const jittered = SLOW.includes(code) ? LONGEST_WAIT * (1 + Math.random()) : isNext && way ? 0 : Math.random() * longest;
    again(Math.max(wait, jittered));
  }

  function again(wait) {
    drop();
    retrying = setTimeout(begin, wait);
    tell.state("offline");
  }

  function end() {
    close();
    tell.state("signed out");
  }

  function close() {
    isOver = true;
    drop();
  }

  /** Expect a sign of life. Times are compared, since a page in the background is called late. */
  function watch(wait, isWarned) {
    const due = Date.now() + wait;
    clearTimeout(watching);
    watching = setTimeout(() => {
      if (isReady && !transport.speaks) return;
      const left = heard + (isReady ? 2 * heartbeat : PATIENCE) - Date.now();
      if (left > 0) return watch(left);
      if (isWarned || Date.now() - due < GRACE) return lost();
      // Who slept may have its news still before it.
      transport.ping?.();
      watch(GRACE, true);
    }, wait);
  }

  function hear(frame) {
    const { type, id, code } = frame;
    const self = transport;
    [heard, works, failures] = [Date.now(), true, 0];
    hasFirstWorked ||= !way;
    if (type === "heartbeat") for (const id in frame.cursors) pass({ type, id, cursor: frame.cursors[id] });
    else if (type === "reconnect") again(frame.after_ms);
    else if (type === "notice") tell.notice(frame);
    else if (type === "error" && code === "unauthenticated") lost({ code: SIGNED_OUT });
    else if (type === "error" && /many|rate/.test(code)) setTimeout(() => self === transport && all.has(id) && self.subscribe(all.get(id)), LONGEST_WAIT * Math.random());
    else pass(frame);
  }

  /** Pass a frame on, with the cursor from which it leads to its own. */
  function pass(frame) {
    const wanted = all.get(frame.id);
    if (!wanted) return;
    const before = wanted.cursor;
    wanted.cursor = frame.cursor || before;
    tell.frame({ ...frame, before, cursor: wanted.cursor });
  }

  begin();
  return {
    open(wanted) {
      all.set(wanted.name, { ...wanted });
      if (takes()) transport.subscribe(all.get(wanted.name));
    },
    shut(name) {
      if (all.delete(name) && takes()) transport.unsubscribe(name);
    },
    /** Without an answer from the socket the same key is asked again by a request, so it happens once. */
    publish(event, key) {
      if (!isReady || !transport.publish) return post(settings, event, key);
      return transport.publish(event, key).catch((error) => {
        if (error instanceof LiveError) throw error;
        return post(settings, event, key);
      });
    },
    /** Try at once; what slept, or whose network went away, may be dead without having said so. */
    wake(isSuspect) {
      if (isOver || (transport && !isSuspect && !(transport.speaks && Date.now() - heard > 1.5 * heartbeat))) return;
      tries = 0;
      begin();
    },
    cut: () => transport && lost(),
    close,
  };
}
