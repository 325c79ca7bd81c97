/** The live protocol: one subscription that outlives sockets. It always goes on from its last cursor, so nothing is missed. */

const SUBSCRIPTION = 1;
const LONGEST_WAIT = 30_000;
const STEADY = 10_000;
const SIGNED_OUT = 4401;

export class Live {
  #topics;
  #cursor;
  #tell;
  #socket = null;
  #heartbeat = 25_000;
  #heard = 0;
  #since = 0;
  #tries = 0;
  #retry = 0;
  #silence = 0;
  #ended = false;

  /** `tell` has `events(list)`, `reset(reason)` and `state(name)`: live, trouble, signed-out or refused. */
  constructor(topics, cursor, tell) {
    [this.#topics, this.#cursor, this.#tell] = [topics, cursor, tell];
    addEventListener("online", () => this.#wake(true));
    addEventListener("pageshow", () => this.#wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake());
    // A page with an open socket cannot be kept for the way back.
    addEventListener("pagehide", () => this.#drop());
    this.#open();
  }

  /** Try at once: a socket that slept, or whose network went away, may be dead without having said so. */
  #wake(isSuspect = Date.now() - this.#heard >= this.#heartbeat) {
    if (this.#ended || (this.#socket && !isSuspect)) return;
    this.#tries = 0;
    this.#open();
  }

  #open() {
    this.#drop();
    const socket = new WebSocket(new URL("/live/ws", location.href.replace(/^http/, "ws")), "tidewire.v1");
    this.#socket = socket;
    this.#listen();
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => (code === SIGNED_OUT ? this.#end("signed-out") : this.#again());
  }

  #drop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  /** Come back after a while: at a random time within it, so that a restart does not meet every client at once. */
  #again(wait = Math.random() * Math.min(LONGEST_WAIT, 1000 * 2 ** this.#tries)) {
    this.#drop();
    this.#tries = this.#since && Date.now() - this.#since > STEADY ? 0 : this.#tries + 1;
    this.#since = 0;
    this.#tell.state("trouble");
    this.#retry = setTimeout(() => this.#open(), wait);
  }

  #end(state) {
    this.#ended = true;
    this.#drop();
    this.#tell.state(state);
  }

  #listen() {
    this.#heard = Date.now();
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#again(0), 2 * this.#heartbeat);
  }

  #hear(frame) {
    this.#listen();
    this["on_" + frame.type]?.(frame);
  }

  on_welcome({ heartbeat_seconds }) {
    this.#heartbeat = heartbeat_seconds * 1000;
    const after = this.#cursor ? { after: this.#cursor } : {};
    this.#socket.send(JSON.stringify({ type: "subscribe", id: SUBSCRIPTION, topics: this.#topics, ...after }));
  }

  on_subscribed({ cursor }) {
    [this.#cursor, this.#since] = [cursor, Date.now()];
    this.#tell.state("live");
  }

  on_events({ events, cursor }) {
    this.#tell.events(events);
    this.#cursor = cursor;
  }

  on_heartbeat({ cursors }) {
    this.#cursor = cursors[SUBSCRIPTION] ?? this.#cursor;
  }

  on_topics({ cursor }) {
    this.#cursor = cursor;
  }

  on_reset({ reason, cursor }) {
    this.#cursor = cursor;
    this.#tell.reset(reason);
  }

  on_revoked({ cursor }) {
    this.#cursor = cursor;
    this.#tell.reset("revoked");
  }

  on_reconnect({ after_ms }) {
    this.#again(after_ms);
  }

  on_error({ id, code }) {
    if (code === "too_many" || code === "rate_limited") this.#again();
    else if (id === SUBSCRIPTION) this.#end(code === "unauthenticated" ? "signed-out" : "refused");
  }
}
