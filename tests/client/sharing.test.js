/** One connection for the tabs of a browser: who leads, and what becomes of the others when it goes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Browser } from "./browser.js";
import { read, sawAll } from "./reader.js";

const SECOND = 1000;
const shared = { identity: "alice", after: "k3x9-0" };

async function tabs(count, options) {
  const browser = new Browser();
  const opened = [];
  for (let number = 0; number < count; number++) {
    const tab = browser.tab(options);
    opened.push({ tab, ...read(tab, shared) });
    await browser.clock.pass(SECOND);
  }
  return { browser, opened, ...browser };
}

test("tabs of one user share a connection, and each is told everything once", async () => {
  const { opened, log, clock } = await tabs(3);
  for (let number = 0; number < 4; number++) log.publish("feeds.1");
  await clock.pass(SECOND);
  for (const { seen, live } of opened) {
    sawAll({ seen }, log);
    assert.equal(live.state, "live");
  }
  assert.equal(log.tried.ws, 1);
});

test("tabs of different users, or of none, share nothing", async () => {
  const browser = new Browser();
  for (const identity of ["alice", "bob", "", undefined, undefined]) read(browser.tab(), { identity });
  await browser.clock.pass(SECOND);
  assert.equal(browser.log.tried.ws, 5);
});

for (const without of ["locks", "BroadcastChannel"]) {
  test(`without ${without} each tab has its own connection`, async () => {
    const { opened, log, clock } = await tabs(2, { without: [without] });
    log.publish("feeds.1");
    await clock.pass(SECOND);
    for (const reader of opened) sawAll(reader, log);
    assert.equal(log.tried.ws, 2);
  });
}

test("a tab that is shown before it is known to be alive says nothing yet, and misses nothing", async () => {
  const { opened, browser, log, clock } = await tabs(1);
  const tab = browser.tab();
  const request = tab.window.navigator.locks.request;
  tab.window.navigator.locks.request = async (...asked) => {
    await new Promise((resolve) => clock.setTimeout(resolve, 100));
    return request(...asked);
  };
  const joined = read(tab, shared);
  tab.window.dispatchEvent(new Event("pageshow"));
  await clock.pass(SECOND);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  for (const reader of [...opened, joined]) sawAll(reader, log);
  assert.equal(joined.live.state, "live");
  assert.equal(log.tried.ws, 1);
});

test("a tab to which locks are denied is on its own", async () => {
  const browser = new Browser();
  const tab = browser.tab();
  tab.window.navigator.locks.request = async () => {
    throw new DOMException("Denied", "SecurityError");
  };
  const reader = read(tab, shared);
  await browser.clock.pass(SECOND);
  browser.log.publish("feeds.1");
  await browser.clock.pass(SECOND);
  sawAll(reader, browser.log);
});

for (const way of ["leave", "crash"]) {
  test(`when the leading tab goes (${way}), another goes on where everyone was`, async () => {
    const { opened, log, clock } = await tabs(3);
    log.publish("feeds.1");
    await clock.pass(SECOND);
    log.publish("feeds.1");
    opened[0].tab[way]();
    log.publish("feeds.1");
    await clock.pass(SECOND);
    log.publish("feeds.1");
    await clock.pass(SECOND);
    for (const reader of opened.slice(1)) sawAll(reader, log);
    assert.deepEqual([log.tried.ws, log.sockets.size], [2, 1]);
  });

  test(`what a tab read is given up when it goes (${way})`, async () => {
    const { opened, log, clock } = await tabs(3);
    opened[1].tab[way]();
    await clock.pass(SECOND);
    assert.equal([...log.sockets][0].subscriptions.size, 2);
  });
}

test("a leading tab that is frozen lets go, and goes on when it wakes", async () => {
  const { opened, log, clock } = await tabs(2);
  const [first, second] = opened;
  first.tab.window.document.dispatchEvent(new Event("freeze"));
  await clock.pass(0);
  first.tab.sleep();
  log.publish("feeds.1");
  await clock.pass(SECOND);
  sawAll(second, log);
  first.tab.wake();
  first.tab.window.document.dispatchEvent(new Event("resume"));
  await clock.pass(SECOND);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  for (const reader of opened) sawAll(reader, log);
  assert.equal(log.sockets.size, 1);
});

test("a leading tab that sleeps without a word is replaced by one that is looked at, and follows when it wakes", async () => {
  const { opened, log, clock } = await tabs(2);
  const [first, second] = opened;
  first.tab.sleep();
  log.publish("feeds.1");
  await clock.pass(SECOND);
  second.tab.show();
  await clock.pass(5 * SECOND);
  sawAll(second, log);
  log.publish("feeds.1");
  first.tab.wake();
  await clock.pass(5 * SECOND);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  for (const reader of opened) sawAll(reader, log);
  assert.equal(log.sockets.size, 1);
});

test("a tab in the background takes the lead from nobody", async () => {
  const { opened, log, clock } = await tabs(2);
  opened[1].tab.show(false);
  opened[0].tab.sleep();
  await clock.pass(600 * SECOND);
  assert.equal(log.tried.ws, 1);
});

test("a tab that was not told everything asks for the rest", async () => {
  const { browser, opened, log, clock } = await tabs(2);
  const channel = [...browser.channels].find(({ tab }) => tab === opened[1].tab);
  channel.isDeaf = true;
  log.publish("feeds.1");
  await clock.pass(SECOND);
  channel.isDeaf = false;
  log.publish("feeds.1");
  await clock.pass(SECOND);
  for (const reader of opened) sawAll(reader, log);
});

test("states are told to all tabs", async () => {
  const { opened, browser, clock } = await tabs(2);
  browser.network(false);
  await clock.pass(10 * SECOND);
  assert.deepEqual(opened.map(({ live }) => live.state), ["offline", "offline"]);
  browser.network(true);
  await clock.pass(5 * SECOND);
  assert.deepEqual(opened.map(({ live }) => live.state), ["live", "live"]);
});

test("each tab finds out for itself whether it is signed out", async () => {
  const { opened, log, clock } = await tabs(2);
  log.cut(4401);
  await clock.pass(SECOND);
  assert.deepEqual(opened.map(({ live }) => live.state), ["signed out", "live"]);
  log.cut(4401);
  await clock.pass(60 * SECOND);
  assert.deepEqual(opened.map(({ live }) => live.state), ["signed out", "signed out"]);
  assert.equal(log.tried.ws, 2);
});

test("a notice reaches every tab that listens, and any tab may publish", async () => {
  const { opened, log, clock } = await tabs(2);
  const heard = [];
  for (const { live } of opened) live.notices.addEventListener("operations", ({ data }) => heard.push(data));
  [...log.sockets][0].say({ type: "notice", topic: "operations", data: 1 });
  await clock.pass(0);
  assert.deepEqual(heard, [1, 1]);
  for (const { live } of opened) await live.publish({ type: "feeds.note.made", topic: "feeds.1", data: {} });
  await clock.pass(SECOND);
  for (const reader of opened) sawAll(reader, log);
});

/** A generator of its own, so that a schedule that fails can be run again. */
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

for (let seed = 1; seed <= 60; seed++) {
  test(`whatever happens to tabs and network, every tab that stays is told everything once (schedule ${seed})`, async () => {
    const random = dice(seed);
    const browser = new Browser();
    const { log, clock } = browser;
    const readers = [];
    const join = () => {
      const tab = browser.tab({ random });
      readers.push({ tab, ...read(tab, shared) });
    };
    const anyone = () => readers[Math.floor(random() * readers.length)];
    const lose = (way) => {
      if (readers.length < 2) return;
      const [{ tab }] = readers.splice(Math.floor(random() * readers.length), 1);
      tab[way]();
    };
    const moves = [
      () => log.publish("feeds.1"),
      () => log.publish("feeds.1"),
      () => log.publish("feeds.2"),
      () => log.beat(),
      join,
      () => lose("leave"),
      () => lose("crash"),
      () => log.cut(),
      () => browser.network(!browser.isOnline),
      () => (log.lets.ws = !log.lets.ws),
      () => (log.lets.sse = !log.lets.sse),
      () => anyone().tab.window.document.dispatchEvent(new Event("freeze")),
      () => anyone().tab.window.document.dispatchEvent(new Event("resume")),
      () => anyone().tab.sleep(),
      () => anyone().tab.wake(),
      () => anyone().tab.show(random() > 0.5),
    ];
    join();
    for (let step = 0; step < 60; step++) {
      moves[Math.floor(random() * moves.length)]();
      if (random() > 0.3) await clock.pass(Math.floor(random() ** 3 * 20_000));
    }
    Object.assign(log.lets, { ws: true, sse: true, poll: true });
    browser.network(true);
    for (const { tab } of readers) {
      tab.wake();
      tab.show();
      tab.window.document.dispatchEvent(new Event("resume"));
    }
    await clock.pass(120 * SECOND);
    log.publish("feeds.1");
    await clock.pass(10 * SECOND);
    const told = log.events.filter(({ topic }) => topic === "feeds.1").map(({ cursor }) => cursor);
    for (const { seen } of readers) assert.deepEqual(seen, told);
  });
}
