/** Three ways to the server; all speak in the frames of the WebSocket. */

export const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const WAIT = 25;
const PAUSE = 1000;
// A browser may open only six connections to a server.
const AT_ONCE = 3;

/** The server said no: `code` is one of the wire's. */
export class LiveError extends Error {
  name = "LiveError";

  constructor(code = "error", message = "The server refused.", more) {
    super(message);
    Object.assign(this, { code, ...more });
  }
}

export async function ask({ window, url, headers }, path, options = {}) {
  const answer = await window.fetch(url + path, { ...options, headers: { ...options.headers, ...headers?.() } });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw new LiveError(body.code, body.detail, { status: answer.status, errors: body.errors, after: 1000 * answer.headers.get("Retry-After") });
}

const query = (fields) => new URLSearchParams(Object.entries(fields).filter(([, value]) => value));

const poll = (settings, { topics, types, cursor }, wait, signal) =>
  ask(settings, `/api/v1/events/?${query({ topic: topics, types, after: cursor, wait })}`, { signal });

function refuse(tell, id, { status, code, message, after }) {
  if (status === 401) tell.lost({ code: SIGNED_OUT });
  else if (status === 429) tell.lost({ code: TOO_MANY, wait: after });
  else if (status < 500) tell.hear({ type: "error", id, code, message });
  else tell.lost({});
}

/** One WebSocket for all. The server speaks first, and regularly. */
export function socket({ window, url, ticket }, tell) {
  const publishing = new Map();
  let it;
  let last = 0;
  const send = (frame) => it?.readyState === 1 && it.send(JSON.stringify(frame));

  function hear(frame) {
    const waiting = publishing.get(frame.id);
    publishing.delete(frame.id);
    if (frame.type === "welcome") tell.ready(frame.heartbeat_seconds * 1000);
    if (!waiting) tell.hear(frame);
    else if (frame.type === "published") waiting.resolve(frame.event);
    else waiting.reject(new LiveError(frame.code, frame.message));
  }

  (async () => {
    const proof = query({ ticket: await ticket?.() });
    if (it === null) return;
    it = new window.WebSocket(`${url.replace(/^http/, "ws")}/live/ws?${proof}`, "tidewire.v1");
    it.onmessage = ({ data }) => hear(JSON.parse(data));
    it.onclose = tell.lost;
  })().catch(() => tell.lost({}));

  return {
    speaks: true,
    ping: () => send({ type: "ping" }),
    subscribe: ({ name, topics, types, cursor }) => send({ type: "subscribe", id: name, topics, types, after: cursor }),
    unsubscribe: (name) => send({ type: "unsubscribe", id: name }),
    publish(event, key) {
      const id = "p" + ++last;
      send({ type: "publish", id, event, idempotency_key: key });
      return new Promise((resolve, reject) => publishing.set(id, { resolve, reject }));
    },
    close() {
      for (const { reject } of publishing.values()) reject(new TypeError("The connection was lost."));
      if (it) it.onmessage = it.onclose = null;
      it?.close();
      it = null;
    },
  };
}

/** An `EventSource` for each subscription. */
export function stream(settings, tell) {
  const sources = new Map();

  async function open(wanted) {
    const { name, topics, types, cursor } = wanted;
    const ticket = await settings.ticket?.();
    if (sources.get(name) !== wanted) return;
    const source = new settings.window.EventSource(`${settings.url}/live/sse?${query({ topics, types, after: cursor, ticket })}`);
    const on = (type, read) =>
      source.addEventListener(type, ({ data, lastEventId }) => tell.hear({ type, id: name, cursor: lastEventId, ...read(JSON.parse(data)) }));
    const isOn = () => sources.get(name) === source;
    sources.set(name, source);
    source.onopen = () => {
      tell.ready();
      tell.hear({ type: "subscribed", id: name, cursor });
    };
    on("message", (event) => ({ type: "events", events: [event] }));
    for (const type of ["reset", "revoked", "topics", "reconnect"]) on(type, (frame) => frame);
    on("notice", (frame) => ({ ...frame, id: "" }));
    source.onerror = () => {
      source.close();
      // A stream does not say why it ends; a poll does.
      poll(settings, wanted).then(() => isOn() && tell.lost({}), (error) => isOn() && refuse(tell, name, error));
    };
  }

  return {
    subscribe(wanted) {
      if (sources.size === AT_ONCE) return tell.lost({ isUseless: true });
      sources.set(wanted.name, wanted);
      open(wanted).catch(() => tell.lost({}));
    },
    unsubscribe(name) {
      sources.get(name)?.close?.();
      sources.delete(name);
    },
    close() {
      sources.forEach((source) => source.close?.());
      sources.clear();
    },
  };
}

/** Long polls; many subscriptions take turns. */
export function longPoll(settings, tell) {
  const { setTimeout, clearTimeout } = settings.window;
  const asking = new Map();
  let queue = [];

  function next() {
    while (queue.length && asking.size < AT_ONCE) turn(queue.shift());
  }

  async function turn({ wanted, isNew }) {
    const { name, cursor: after } = wanted;
    const request = new AbortController();
    const isOn = () => asking.get(name) === request;
    asking.set(name, request);
    const timer = setTimeout(() => request.abort(), 2000 * WAIT);
    try {
      const { events, cursor, head, reset } = await poll(settings, wanted, isNew ? 0 : queue.length ? 1 : WAIT, request.signal);
      tell.ready();
      if (isNew) tell.hear({ type: "subscribed", id: name, cursor: after ?? cursor, head });
      if (reset) tell.hear({ type: "reset", id: name, reason: reset, cursor });
      else tell.hear({ type: "events", id: name, events, cursor });
      const again = () => isOn() && (asking.delete(name), queue.push({ wanted }), next());
      // An empty answer may not have waited.
      setTimeout(again, events.length ? 0 : PAUSE);
    } catch (error) {
      if (isOn()) refuse(tell, name, error);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    subscribe: (wanted) => (queue.push({ wanted, isNew: true }), next()),
    unsubscribe(name) {
      queue = queue.filter(({ wanted }) => wanted.name !== name);
      asking.get(name)?.abort();
      asking.delete(name);
      next();
    },
    close() {
      queue = [];
      asking.forEach((request) => request.abort());
      asking.clear();
    },
  };
}
