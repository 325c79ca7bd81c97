/** A browser of several tabs, a network that can be cut, and a server with a log: all by one clock that tests move. */

import { Log } from "./server.js";

/** Let everything that is not waiting for the clock happen. */
export const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Time that passes when it is told to. */
export class Clock {
  time = 1_000_000;
  #timers = new Map();
  #last = 0;

  setTimeout = (run, wait = 0) => {
    this.#timers.set(++this.#last, { run, due: this.time + Math.max(0, Number(wait) || 0) });
    return this.#last;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  /** Let time pass, calling whoever is due on the way. */
  async pass(milliseconds) {
    const end = this.time + milliseconds;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const [timer, { run, due }] = next;
      this.time = Math.max(this.time, due);
      this.#timers.delete(timer);
      run();
      await settle();
    }
    this.time = end;
  }

  /** Let time pass without calling anybody, as a machine does that sleeps. */
  sleep(milliseconds) {
    this.time += milliseconds;
  }

  #next(end) {
    return [...this.#timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due)[0];
  }
}

/** Web Locks: one holder for each name, a queue, stealing, signals. Who sleeps may be granted a lock, and learns it later. */
class Locks {
  held = new Map();
  #queues = new Map();

  request(name, options, run) {
    return new Promise((resolve, reject) => {
      const asked = { run, resolve, reject, tab: options.tab };
      const aborted = () => new DOMException("Aborted", "AbortError");
      if (options.signal?.aborted) return reject(aborted());
      options.signal?.addEventListener("abort", () => this.#leaveQueue(name, asked) && reject(aborted()));
      if (options.steal && this.held.has(name)) {
        const robbed = this.held.get(name);
        robbed.tab.task(() => robbed.reject(aborted()));
        this.held.delete(name);
        this.#queue(name).unshift(asked);
      } else this.#queue(name).push(asked);
      queueMicrotask(() => this.#grant(name));
    });
  }

  /** What the browser does for a tab that has gone. */
  forget(tab) {
    for (const [name, queue] of this.#queues) this.#queues.set(name, queue.filter((asked) => asked.tab !== tab));
    for (const [name, holder] of [...this.held]) {
      if (holder.tab !== tab) continue;
      this.held.delete(name);
      this.#grant(name);
    }
  }

  #queue(name) {
    if (!this.#queues.has(name)) this.#queues.set(name, []);
    return this.#queues.get(name);
  }

  #leaveQueue(name, asked) {
    const queue = this.#queue(name);
    const place = queue.indexOf(asked);
    if (place >= 0) queue.splice(place, 1);
    return place >= 0;
  }

  #grant(name) {
    if (this.held.has(name) || !this.#queue(name).length) return;
    const holder = this.#queue(name).shift();
    this.held.set(name, holder);
    new Promise((resolve) => holder.tab.task(() => resolve(holder.run())))
      .then(holder.resolve, holder.reject)
      .then(() => {
        if (this.held.get(name) !== holder) return;
        this.held.delete(name);
        this.#grant(name);
      });
  }
}

/** What the tabs of one browser have in common. */
export class Browser {
  clock = new Clock();
  log = new Log(this.clock);
  locks = new Locks();
  channels = new Set();
  isOnline = true;
  tabs = new Set();

  tab(options) {
    const tab = new Tab(this, options);
    this.tabs.add(tab);
    return tab;
  }

  /** Cut the network or bring it back; the browser notices. */
  network(isOnline) {
    this.isOnline = isOnline;
    if (!isOnline) this.log.cut();
    for (const tab of this.tabs) tab.window.dispatchEvent(new Event(isOnline ? "online" : "offline"));
  }
}

/** A tab's window, with only what the client uses. */
export class Tab {
  isAsleep = false;
  isGone = false;
  waiting = [];
  #timers = new Set();
  errors = [];

  constructor(browser, { without = [], random = Math.random } = {}) {
    this.browser = browser;
    const { clock, log, locks } = browser;
    const tab = this;
    const document = Object.assign(new EventTarget(), { hidden: false, cookie: "csrftoken=token" });
    this.window = Object.assign(new EventTarget(), {
      document,
      navigator: {
        get onLine() {
          return browser.isOnline;
        },
        locks: { request: (name, options, run) => locks.request(name, { ...options, tab }, run) },
      },
      location: { origin: "https://tidewire.example" },
      Date: { now: () => clock.time },
      Math: Object.assign(Object.create(Math), { random }),
      setTimeout: (run, wait) => this.#setTimeout(run, wait),
      clearTimeout: (timer) => this.#timers.delete(timer),
      reportError: (error) => this.errors.push(error),
      fetch: (url, options) => log.fetch(url, options, tab),
      WebSocket: log.socketClass(tab),
      EventSource: log.sourceClass(tab),
      BroadcastChannel: channelClass(tab),
    });
    for (const name of without) (name === "locks" ? delete this.window.navigator.locks : delete this.window[name]);
  }

  #setTimeout(run, wait) {
    const timer = this.browser.clock.setTimeout(() => this.task(() => this.#timers.delete(timer) && run()), wait);
    this.#timers.add(timer);
    return timer;
  }

  /** Run something in this tab: now, or once it is awake. */
  task(run) {
    if (this.isGone) return;
    if (this.isAsleep) this.waiting.push(run);
    else run();
  }

  show(isVisible = true) {
    this.window.document.hidden = !isVisible;
    this.window.document.dispatchEvent(new Event("visibilitychange"));
  }

  /** Suspend without a word, as some telephones do. */
  sleep() {
    this.isAsleep = true;
  }

  wake() {
    this.isAsleep = false;
    for (const run of this.waiting.splice(0)) run();
  }

  /** Go without a word, as a process that is killed: the browser frees what it held. */
  crash() {
    this.isGone = true;
    this.browser.tabs.delete(this);
    this.browser.locks.forget(this);
    this.browser.log.forget(this);
    for (const channel of [...this.browser.channels]) if (channel.tab === this) channel.close();
  }

  /** Be closed, as people do it. */
  leave() {
    this.window.dispatchEvent(new Event("pagehide"));
    this.crash();
  }
}

const channelClass = (tab) =>
  class BroadcastChannel {
    tab = tab;
    onmessage = null;

    constructor(name) {
      this.name = name;
      tab.browser.channels.add(this);
    }

    postMessage(message) {
      if (tab.isGone) return;
      if (!tab.browser.channels.has(this)) throw new DOMException("Closed", "InvalidStateError");
      const data = structuredClone(message);
      for (const other of tab.browser.channels) {
        if (other === this || other.name !== this.name || other.isDeaf) continue;
        queueMicrotask(() => other.tab.task(() => tab.browser.channels.has(other) && other.onmessage?.({ data })));
      }
    }

    close() {
      tab.browser.channels.delete(this);
    }
  };
