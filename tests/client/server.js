/** A server with one log, as the wire has it, over all three transports. */

const BLOCKED = 1006;
export const HEARTBEAT = 25_000;

const positionOf = (cursor) => Number(cursor.split("-")[1]);

export class Log {
  events = [];
  /** Which transports the network lets through. */
  lets = { ws: true, sse: true, poll: true };
  /** How often each was tried. */
  tried = { ws: 0, sse: 0, poll: 0, post: 0 };
  epoch = "k3x9";
  sockets = new Set();
  sources = new Set();
  published = new Map();
  forbidden = new Set();
  refusal = null;
  isMute = false;
  subscribes = [];
  polls = [];

  constructor(clock) {
    this.clock = clock;
  }

  get cursor() {
    return this.at(this.events.length);
  }

  at(position) {
    return `${this.epoch}-${position}`;
  }

  publish(topic, data = {}, type = "feeds.entry.published") {
    const cursor = this.at(this.events.length + 1);
    const event = { id: cursor, type, topic, data, cursor };
    this.events.push(event);
    for (const socket of this.sockets) socket.more();
    for (const source of this.sources) source.more();
    for (const poll of [...this.polls]) poll();
    return event;
  }

  wants({ topics, types }, event) {
    const matches = (pattern) => pattern === event.type || (pattern.endsWith(".*") && event.type.startsWith(pattern.slice(0, -1)));
    return topics.includes(event.topic) && (!types?.length || types.some(matches));
  }

  after(subscription, position) {
    return this.events.slice(position).filter((event) => this.wants(subscription, event));
  }

  /** What is wrong with a cursor. */
  trouble(cursor) {
    if (!cursor) return "";
    return cursor.split("-")[0] !== this.epoch ? "epoch" : positionOf(cursor) > this.events.length ? "ahead" : "";
  }

  /** Every connection breaks. */
  cut(code = 1006) {
    for (const socket of [...this.sockets]) socket.end(code);
    for (const source of [...this.sources]) source.fail();
    for (const poll of [...this.polls]) poll(new TypeError("Failed to fetch"));
  }

  forget(tab) {
    for (const socket of [...this.sockets]) if (socket.tab === tab) this.sockets.delete(socket);
    for (const source of [...this.sources]) if (source.tab === tab) this.sources.delete(source);
  }

  beat() {
    for (const socket of this.sockets) socket.beat();
  }

  // -- WebSocket ------------------------------------------------------------------------------------------------------------

  socketClass(tab) {
    const log = this;
    return class WebSocket {
      readyState = 0;
      tab = tab;
      subscriptions = new Map();

      constructor(url) {
        [this.url] = [url];
        log.tried.ws += 1;
        setImmediate(() => this.#open());
      }

      #open() {
        if (this.readyState === 3) return;
        if (log.lets.ws === "hangs") return;
        if (!tab.browser.isOnline || !log.lets.ws) return this.end(BLOCKED);
        this.readyState = 1;
        log.sockets.add(this);
        if (log.closesWith) return this.end(log.closesWith);
        this.say({ type: "welcome", connection: "c", heartbeat_seconds: HEARTBEAT / 1000 });
      }

      say(frame) {
        const data = JSON.stringify(frame);
        if (this.readyState === 1 && !log.isMute) queueMicrotask(() => tab.task(() => this.onmessage?.({ data })));
      }

      send(text) {
        const frame = JSON.parse(text);
        this[frame.type](frame);
      }

      ping() {
        log.pings = (log.pings ?? 0) + 1;
        this.say({ type: "pong" });
      }

      subscribe({ id, topics, types, after }) {
        log.subscribes.push({ id, topics, after, tab });
        if (this.subscriptions.has(id)) return this.say({ type: "error", id, code: "conflict", message: "In use." });
        const code = log.refusal ?? (topics.some((topic) => log.forbidden.has(topic)) && "forbidden");
        if (code) return this.say({ type: "error", id, code, message: "No." });
        const trouble = log.trouble(after);
        const position = after && !trouble ? positionOf(after) : log.events.length;
        this.say({ type: "subscribed", id, topics, cursor: after ?? log.cursor, head: log.cursor });
        if (trouble) this.say({ type: "reset", id, reason: trouble, cursor: log.cursor });
        this.subscriptions.set(id, { topics, types, position });
        this.more();
      }

      unsubscribe({ id }) {
        this.subscriptions.delete(id);
        this.say({ type: "unsubscribed", id });
      }

      publish({ id, event, idempotency_key: key }) {
        if (log.losesAnswers) return log.commit(event, key), this.end(1006);
        if (event.topic === "forbidden") return this.say({ type: "error", id, code: "forbidden", message: "No." });
        this.say({ type: "published", id, event: log.commit(event, key) });
      }

      more() {
        for (const [id, subscription] of this.subscriptions) {
          const events = log.after(subscription, subscription.position);
          if (!events.length || log.isMute) continue;
          subscription.position = log.events.length;
          this.say({ type: "events", id, events, cursor: log.cursor });
        }
      }

      beat() {
        const cursors = {};
        for (const [id, subscription] of this.subscriptions) cursors[id] = log.at((subscription.position = log.events.length));
        this.say({ type: "heartbeat", cursors });
      }

      close() {
        this.readyState = 3;
        log.sockets.delete(this);
      }

      end(code) {
        this.close();
        queueMicrotask(() => tab.task(() => this.onclose?.({ code })));
      }
    };
  }

  commit(event, key) {
    if (!this.published.has(key)) this.published.set(key, this.publish(event.topic, event.data, event.type));
    return this.published.get(key);
  }

  // -- Server-Sent Events -----------------------------------------------------------------------------------------------------

  sourceClass(tab) {
    const log = this;
    return class EventSource extends EventTarget {
      readyState = 0;
      tab = tab;

      constructor(url) {
        super();
        log.tried.sse += 1;
        const query = new URL(url).searchParams;
        [this.topics, this.types, this.after] = [query.get("topics").split(","), query.get("types")?.split(","), query.get("after")];
        this.query = query;
        setImmediate(() => this.#open());
      }

      #open() {
        if (this.readyState === 2) return;
        if (!tab.browser.isOnline || !log.lets.sse || this.topics.some((topic) => log.forbidden.has(topic))) return this.fail();
        this.readyState = 1;
        log.sources.add(this);
        log.subscribes.push({ topics: this.topics, after: this.after, tab });
        const trouble = log.trouble(this.after);
        this.position = this.after && !trouble ? positionOf(this.after) : log.events.length;
        tab.task(() => this.onopen?.({}));
        if (trouble) this.tell("reset", { reason: trouble });
        this.more();
      }

      tell(type, data, lastEventId = log.cursor) {
        tab.task(() => this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data), lastEventId })));
      }

      more() {
        for (const event of log.after(this, this.position)) this.tell("message", event, event.cursor);
        this.position = log.events.length;
      }

      close() {
        this.readyState = 2;
        log.sources.delete(this);
      }

      fail() {
        this.close();
        tab.task(() => this.onerror?.({}));
      }
    };
  }

  // -- Requests ---------------------------------------------------------------------------------------------------------------

  async fetch(url, { method = "GET", body, headers = {}, signal } = {}, tab) {
    if (method === "POST") return this.#post(JSON.parse(body), headers, tab);
    this.tried.poll += 1;
    if (!tab.browser.isOnline || !this.lets.poll) throw new TypeError("Failed to fetch");
    const query = new URL(url).searchParams;
    const asked = { topics: query.get("topic").split(","), types: query.get("types")?.split(","), after: query.get("after") };
    if (this.status) return answer(this.status, { code: "unauthenticated", detail: "Sign in." }, { "Retry-After": "40" });
    if (asked.topics.some((topic) => this.forbidden.has(topic))) return answer(403, { code: "forbidden", detail: "No." });
    const trouble = this.trouble(asked.after);
    if (trouble) return answer(200, { events: [], cursor: this.cursor, head: this.cursor, reset: trouble });
    const after = asked.after ? positionOf(asked.after) : this.events.length;
    if (!this.after(asked, after).length) await this.#wait(Number(query.get("wait") ?? 0), signal, () => this.after(asked, after).length);
    return answer(200, { events: this.after(asked, after), cursor: this.cursor, head: this.cursor, reset: null });
  }

  #wait(seconds, signal, isOver) {
    if (!seconds) return;
    return new Promise((resolve, reject) => {
      const look = (error) => {
        if (!error && !isOver()) return;
        this.polls.splice(this.polls.indexOf(look), 1);
        return error ? reject(error) : resolve();
      };
      this.polls.push(look);
      signal?.addEventListener("abort", () => this.polls.includes(look) && look(new DOMException("Aborted", "AbortError")));
      this.clock.setTimeout(() => this.polls.includes(look) && (this.polls.splice(this.polls.indexOf(look), 1), resolve()), seconds * 1000);
    });
  }

  #post(event, headers, tab) {
    this.tried.post += 1;
    if (!tab.browser.isOnline) throw new TypeError("Failed to fetch");
    if (event.topic === "forbidden") return answer(403, { code: "forbidden", detail: "No." });
    return answer(202, this.commit(event, headers["Idempotency-Key"]));
  }
}

function answer(status, body, headers = {}) {
  return { ok: status < 400, status, json: async () => structuredClone(body), headers: { get: (name) => headers[name] ?? null } };
}
