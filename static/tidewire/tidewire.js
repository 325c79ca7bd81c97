/** Tidewire in the browser: subscriptions that outlive connections, each event once and in order. */

import { connection, post, sharing } from "./client/connection.js";

export { LiveError } from "./client/transports.js";

const SETTLED_AFTER = 1000;

/** Connect; tabs of the same `identity` share a connection. @type {typeof import("./tidewire.d.ts").connect} */
export function connect({ window = globalThis, url = window.location.origin, ticket, headers, identity } = {}) {
  const { document, navigator, setTimeout, clearTimeout, Math } = window;
  const settings = { window, url, ticket, headers };
  const notices = new EventTarget();
  const live = Object.assign(new EventTarget(), { state: "catching up", notices, subscribe, publish, close });
  const readers = new Set();
  const names = new Map();
  let [carrier, connected, id, serial, isClosed] = [null, "catching up", "", 0, false];

  const newName = () => [1, 2].map(() => Math.random().toString(36).slice(2)).join("");

  function publish(event, { idempotencyKey = newName() } = {}) {
    return carrier ? carrier.publish(event, idempotencyKey) : post(settings, event, idempotencyKey);
  }

  function subscribe({ topics, types, after }, tell = {}) {
    const reader = { tell, subscription: { topics, types, cursor: after, close: () => forget(reader) } };
    readers.add(reader);
    open(reader);
    return reader.subscription;
  }

  function forget(reader) {
    readers.delete(reader);
    shut(reader);
    settle(reader, true);
  }

  function close() {
    isClosed = true;
    suspend();
    change("offline");
  }

  function update() {
    const isSettled = [...readers].every((reader) => reader.isSettled);
    const state = connected !== "open" ? connected : isSettled ? "live" : "catching up";
    if (state === live.state) return;
    live.state = state;
    live.dispatchEvent(new Event("state"));
  }

  function change(state = "catching up") {
    connected = state;
    if (state === "signed out") {
      isClosed = true;
      suspend();
    }
    if (state !== "open") readers.forEach((reader) => settle(reader, false));
    update();
  }

  function settle(reader, isSettled) {
    clearTimeout(reader.timer);
    reader.isSettled = isSettled;
    update();
  }

  /** Ask under a name that was never used: what is still on its way under an older one is not heard. */
  function open(reader) {
    const name = (reader.name = `${id}.${++serial}`);
    settle(reader, false);
    names.set(name, reader);
    const { topics, types, cursor } = reader.subscription;
    carrier?.open({ name, topics, types, cursor });
  }

  function shut({ name }) {
    names.delete(name);
    carrier?.shut(name);
  }

  function renew() {
    names.clear();
    readers.forEach(open);
  }

  function resume() {
    if (isClosed) return;
    if (carrier) return carrier.wake();
    id = newName();
    change();
    const tell = { frame, notice, state: change, renew };
    const isShared = identity !== undefined && navigator.locks && window.BroadcastChannel;
    carrier = isShared ? sharing(settings, `tidewire.v1 ${url} ${identity}`, id, tell) : connection(settings, tell);
    renew();
  }

  /** A page that sleeps or is kept for the way back must hold nothing. */
  function suspend() {
    carrier?.close();
    carrier = null;
  }

  function notice({ topic, data }) {
    notices.dispatchEvent(Object.assign(new Event(topic), { data }));
  }

  function frame(frame) {
    const reader = names.get(frame.id);
    if (!reader) return;
    if (frame.before === reader.subscription.cursor) return take(reader, frame);
    // Something between was not passed on. The log has it.
    shut(reader);
    open(reader);
  }

  function take(reader, { type, cursor, ...more }) {
    const { subscription, tell } = reader;
    subscription.cursor = cursor ?? subscription.cursor;
    if (type === "subscribed") reader.head = more.head;
    if (type === "error") forget(reader);
    try {
      if (type === "events" && more.events.length) tell.events?.(more.events, cursor);
      if (type === "reset") tell.reset?.(more.reason, cursor);
      if (type === "topics") tell.topics?.(more.added, more.removed, cursor);
      if (type === "revoked") tell.revoked?.(more.topics, cursor);
      if (type === "error") tell.refused?.(more);
    } catch (error) {
      window.reportError(error);
    }
    if (reader.isSettled) return;
    // Cursors cannot be compared: it has caught up at the head itself, or when no more has come for a while.
    clearTimeout(reader.timer);
    const isThere = type === "heartbeat" || type === "reset" || cursor === reader.head;
    reader.timer = setTimeout(() => settle(reader, true), isThere ? 0 : SETTLED_AFTER);
  }

  window.addEventListener("online", () => carrier?.wake(true));
  window.addEventListener("offline", () => carrier?.cut());
  window.addEventListener("pagehide", suspend);
  window.addEventListener("pageshow", resume);
  document.addEventListener("freeze", suspend);
  document.addEventListener("resume", resume);
  document.addEventListener("visibilitychange", () => document.hidden || carrier?.wake());
  resume();
  return live;
}
