/** One connection, over whichever transport gets through, always on from the last cursors. Tabs may share it. */

import { LiveError, SIGNED_OUT, ask, longPoll, socket, stream } from "./transports.js";

const LONGEST_WAIT = 30_000;
const PATIENCE = 10_000;
const GRACE = 3000;
const MINUTE = 60_000;
const SERVER_RESTARTS = 1012;
const SLOW = [4400, 4429];

export function post(settings, event, key) {
  const token = settings.window.document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "";
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, "X-CSRFToken": token };
  return ask(settings, "/api/v1/events/", { method: "POST", headers, body: JSON.stringify(event) });
}

/** Connect; `tell` has `frame(frame)`, `notice(frame)` and `state("open" | "offline" | "signed out")`. */
export function connection(settings, tell) {
  const { setTimeout, clearTimeout, navigator, Date, Math, WebSocket, EventSource } = settings.window;
  const ways = [WebSocket && socket, EventSource && stream, longPoll].filter(Boolean);
  const all = new Map();
  let [way, failures, tries, heartbeat, lookUp] = [0, 0, 0, 25_000, MINUTE];
  let transport, isReady, works, hasFirstWorked, isOver, since, heard, retrying, watching, lookingUp;

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
    isReady = true;
    heartbeat = beat;
    since = heard = Date.now();
    watch(2 * heartbeat);
    tell.state("open");
    if (transport.speaks) subscribe(transport);
    if (!way) return;
    lookingUp = setTimeout(tryFirst, lookUp);
    lookUp = Math.min(2 * lookUp, 16 * MINUTE);
  }

  /** Perhaps it gets through by now; if not, the next one goes on. */
  function tryFirst() {
    [way, failures, tries] = [0, 1, 0];
    begin();
  }

  function drop() {
    [retrying, watching, lookingUp].forEach(clearTimeout);
    const last = transport;
    transport = isReady = works = null;
    last?.close();
  }

  function lost({ code, wait = 0, isUseless } = {}) {
    if (code === SIGNED_OUT) return close(), tell.state("signed out");
    if (isReady && Date.now() - since > PATIENCE) tries = 0;
    // Nothing is learnt of a transport from a server that closes with a reason, nor without a network.
    if (!works && !(code >= SERVER_RESTARTS) && navigator.onLine) failures += 1;
    const isNext = isUseless || failures >= (hasFirstWorked && !way ? 8 : 2);
    if (isNext) [way, failures] = [(way + 1) % ways.length, 0];
    const longest = Math.min(LONGEST_WAIT, 1000 * 2 ** tries++);
    const least = SLOW.includes(code) ? LONGEST_WAIT * (1 + Math.random()) : isNext && way ? 0 : Math.random() * longest;
    again(Math.max(wait, least));
  }

  function again(wait) {
    drop();
    retrying = setTimeout(begin, wait);
    tell.state("offline");
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
      const left = heard + (!isReady ? PATIENCE : transport.speaks ? 2 * heartbeat : 5 * MINUTE) - Date.now();
      if (left > 0) return watch(left);
      // An `EventSource` hides its heartbeats; a new one is no loss.
      if (isReady && !transport.speaks) return begin();
      if (isWarned || Date.now() - due < GRACE) return lost();
      // Who slept may have its news still before it.
      transport.ping?.();
      watch(GRACE, true);
    }, wait);
  }

  function hear(frame) {
    const { type, id, code, cursors } = frame;
    const self = transport;
    [heard, works, failures] = [Date.now(), true, 0];
    hasFirstWorked ||= !way;
    if (type === "heartbeat") for (const id in cursors) pass({ type, id, cursor: cursors[id] });
    else if (type === "reconnect") again(frame.after_ms);
    else if (type === "notice") tell.notice(frame);
    else if (type !== "error") pass(frame);
    else if (code === "unauthenticated") lost({ code: SIGNED_OUT });
    else if (/many|rate/.test(code)) setTimeout(() => self === transport && all.has(id) && self.subscribe(all.get(id)), LONGEST_WAIT * Math.random());
    else pass(frame);
  }

  /** Pass a frame on, with the cursor that it goes on from. */
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
      all.set(wanted.name, wanted);
      if (takes()) transport.subscribe(wanted);
    },
    shut(name) {
      if (all.delete(name) && takes()) transport.unsubscribe(name);
    },
    /** A lost answer is asked for again by the same key, so it happens once. */
    async publish(event, key) {
      try {
        if (isReady && transport.publish) return await transport.publish(event, key);
      } catch (error) {
        if (error instanceof LiveError) throw error;
      }
      return post(settings, event, key);
    },
    /** Try at once; what slept may be dead. */
    wake(isSuspect) {
      if (isOver || (transport && !isSuspect && Date.now() - heard < 1.5 * heartbeat)) return;
      tries = 0;
      begin();
    },
    cut: () => transport && lost(),
    close,
  };
}

/**
 * Share one connection. The tab that has the lock leads; the others tell it what they read, and from where.
 * When it goes, another gets the lock. `tell` has `renew()`, too: say again what is wanted, by new names.
 */
export function sharing(settings, key, id, tell) {
  const { navigator, document, BroadcastChannel, setTimeout, clearTimeout, Date } = settings.window;
  const { locks } = navigator;
  const left = new AbortController();
  const tabs = new Map();
  let channel = new BroadcastChannel(key);
  let leader = { term: 0 };
  let standing = new AbortController();
  let [heard, own, resign, asking] = [0];

  const say = (message) => left.signal.aborted || channel?.postMessage({ ...message, from: id });

  /** Hold a lock until this tab leaves, or `run` calls what it is given. */
  const hold = (name, options, run) =>
    locks.request(name, options, () => left.signal.aborted || new Promise((release) => {
      left.signal.addEventListener("abort", release);
      run(release);
    }));

  const stand = (options) => hold(key, options ?? { signal: standing.signal }, lead).catch(() => own && stepDown());

  function lead(release) {
    const reign = new AbortController();
    leader = { term: Math.max(Date.now(), leader.term + 1), from: id, signal: reign.signal };
    resign = () => {
      own.close();
      own = null;
      tabs.clear();
      reign.abort();
      release();
    };
    own = connection(settings, { frame: deliver, notice: deliver, state: change });
    announce();
    tell.renew();
  }

  function stepDown() {
    resign();
    stand();
    inquire();
  }

  const announce = () => say({ term: leader.term, state: leader.state });

  function change(state) {
    leader.state = state;
    // Others find out for themselves: one may have signed in again.
    if (state === "signed out") close();
    announce();
    tell.state(state);
  }

  function deliver(frame) {
    const isMine = frame.id?.startsWith(id);
    if (!isMine) say({ frame });
    if (isMine || !frame.id) take(frame);
  }

  function serve({ from, open, shut }) {
    const { shut: drop } = own;
    const names = tabs.get(from) ?? new Set();
    // A tab's own lock is free once it has gone.
    if (!tabs.has(from)) locks.request(`${key} ${from}`, { signal: leader.signal }, () => names.forEach(drop)).catch(() => {});
    tabs.set(from, names.add(open?.name));
    if (open) own.open(open);
    else own.shut(shut);
  }

  const take = (frame) => (frame.id ? tell.frame(frame) : tell.notice(frame));

  const listen = ({ data }) => {
    if (left.signal.aborted) return;
    if (data.term) follow(data);
    else if (own && data.hello) own.wake(), announce();
    else if (own && data.to === id) serve(data);
    else if (!own && data.frame) (heard = Date.now()), take(data.frame);
  };

  function follow(message) {
    // Should two believe that they lead, the later one is right.
    if (message.term < leader.term) return;
    if (own) stepDown();
    const isNew = message.from !== leader.from;
    [leader, heard] = [message, Date.now()];
    tell.state(message.state);
    if (isNew) tell.renew();
  }

  /** Ask who leads. From one who sleeps with the lock a tab that is looked at takes it. */
  function inquire() {
    const asked = Date.now();
    say({ hello: true });
    clearTimeout(asking);
    asking = setTimeout(() => {
      if (own) return;
      asking = setTimeout(inquire, MINUTE);
      if (heard >= asked || document.hidden) return;
      standing.abort();
      standing = new AbortController();
      stand({ steal: true });
    }, GRACE);
  }

  function close() {
    if (own) resign();
    left.abort();
    standing.abort();
    channel?.close();
    clearTimeout(asking);
  }

  // By its lock a tab is known to be alive: without it the leader takes it for gone, so the lock comes before the first
  // word, and before the first that is heard, for that may be answered.
  hold(`${key} ${id}`, {}, () => ((channel.onmessage = listen), stand(), inquire())).catch(() => {
    // Without locks this tab is on its own.
    channel = channel.close();
    lead(() => {});
  });
  return {
    open: (wanted) => (own ? own.open(wanted) : leader.from && say({ open: wanted, to: leader.from })),
    shut: (name) => (own ? own.shut(name) : say({ shut: name, to: leader.from })),
    publish: (event, key) => (own ? own.publish(event, key) : post(settings, event, key)),
    wake: (isSuspect) => (own ? own.wake(isSuspect) : channel.onmessage && inquire()),
    cut: () => own?.cut(),
    close,
  };
}
