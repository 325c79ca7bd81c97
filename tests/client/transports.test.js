/** What the network lets through: WebSocket, else Server-Sent Events, else long poll; and publishing. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Browser } from "./browser.js";
import { read, sawAll, teller } from "./reader.js";

const SECOND = 1000;

async function opened(lets, { without, ...options } = {}) {
  const browser = new Browser();
  Object.assign(browser.log.lets, lets);
  const tab = browser.tab({ without });
  const reader = read(tab, options);
  await browser.clock.pass(5 * SECOND);
  return { browser, tab, reader, ...browser, ...reader };
}

test("a WebSocket that cannot be opened twice gives way to Server-Sent Events", async () => {
  const { reader, live, log, clock } = await opened({ ws: false });
  assert.equal(live.state, "live");
  log.publish("feeds.1");
  log.publish("feeds.1");
  await clock.pass(SECOND);
  sawAll(reader, log);
  assert.deepEqual(log.tried, { ws: 2, sse: 1, poll: 0, post: 0 });
});

test("a WebSocket that answers nothing gives way too", async () => {
  const { reader, log, clock } = await opened({ ws: "hangs" });
  await clock.pass(30 * SECOND);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  sawAll(reader, log);
  assert.equal(log.tried.sse, 1);
});

test("where only requests get through, it polls", async () => {
  const { reader, live, log, clock } = await opened({ ws: false, sse: false });
  assert.equal(live.state, "live");
  for (let number = 0; number < 3; number++) {
    log.publish("feeds.1");
    await clock.pass(SECOND);
  }
  sawAll(reader, log);
  await clock.pass(120 * SECOND);
  log.publish("feeds.1");
  await clock.pass(60 * SECOND);
  sawAll(reader, log);
});

for (const without of [["WebSocket"], ["WebSocket", "EventSource"]]) {
  test(`a browser without ${without.join(" and ")} is served`, async () => {
    const { reader, live, log, clock } = await opened({}, { without, after: "k3x9-0" });
    assert.equal(live.state, "live");
    log.publish("feeds.1");
    await clock.pass(SECOND);
    sawAll(reader, log);
    assert.equal(log.tried.ws, 0);
  });
}

test("a WebSocket that has worked is tried again, and nothing else, when the server restarts", async () => {
  const { reader, log, clock } = await opened({});
  log.lets = { ws: false, sse: true, poll: true };
  log.cut(1012);
  await clock.pass(2 * SECOND);
  log.publish("feeds.1");
  log.lets.ws = true;
  await clock.pass(10 * SECOND);
  sawAll(reader, log);
  assert.equal(log.tried.sse, 0);
});

for (const [name, lets] of [["sse", { ws: false }], ["poll", { ws: false, sse: false }]]) {
  test(`from ${name} it comes back to the WebSocket, and nothing is missed or told twice`, async () => {
    const { reader, log, clock } = await opened(lets);
    log.publish("feeds.1");
    await clock.pass(SECOND);
    log.lets.ws = true;
    for (let second = 0; second < 130; second++) {
      log.publish("feeds.1");
      await clock.pass(SECOND);
    }
    await clock.pass(SECOND);
    sawAll(reader, log);
    assert.equal(log.sockets.size, 1);
    assert.equal(log.sources.size, 0);
  });

  test(`${name} goes on from its cursor after a cut`, async () => {
    const { browser, reader, log, clock } = await opened(lets);
    log.publish("feeds.1");
    await clock.pass(SECOND);
    browser.network(false);
    log.publish("feeds.1");
    await clock.pass(40 * SECOND);
    browser.network(true);
    await clock.pass(5 * SECOND);
    sawAll(reader, log);
    assert.equal(reader.live.state, "live");
  });

  test(`${name} tells a reset and goes on`, async () => {
    const { reader, log, clock } = await opened(lets, { after: "gone-7" });
    assert.deepEqual(reader.told, [["reset", "epoch", "k3x9-0"]]);
    log.publish("feeds.1");
    await clock.pass(SECOND);
    sawAll(reader, log);
  });

  test(`${name} filters by type`, async () => {
    const { reader, log, clock } = await opened(lets, { types: ["feeds.comment.*"] });
    log.publish("feeds.1");
    log.publish("feeds.1", {}, "feeds.comment.published");
    await clock.pass(SECOND);
    assert.deepEqual(reader.seen, ["k3x9-2"]);
  });

  test(`${name} closes a refused subscription, and others go on`, async () => {
    const { reader, live, log, clock } = await opened(lets);
    log.forbidden.add("feeds.9");
    const refused = { seen: [], told: [] };
    live.subscribe({ topics: ["feeds.9"] }, teller(refused));
    await clock.pass(5 * SECOND);
    assert.deepEqual(refused.told, [["refused", "forbidden"]]);
    log.publish("feeds.1");
    await clock.pass(5 * SECOND);
    sawAll(reader, log);
    assert.equal(live.state, "live");
  });
}

test("a poll that is told to sign in ends", async () => {
  const browser = new Browser();
  Object.assign(browser.log.lets, { ws: false, sse: false });
  browser.log.status = 401;
  const { live } = read(browser.tab());
  await browser.clock.pass(10 * SECOND);
  const { poll } = browser.log.tried;
  await browser.clock.pass(600 * SECOND);
  assert.equal(live.state, "signed out");
  assert.equal(browser.log.tried.poll, poll);
});

test("a poll that comes too often waits as it is told", async () => {
  const browser = new Browser();
  browser.log.status = 429;
  const { live } = read(browser.tab({ without: ["WebSocket", "EventSource"] }), { after: "k3x9-0" });
  await browser.clock.pass(39 * SECOND);
  assert.equal(live.state, "offline");
  assert.equal(browser.log.tried.poll, 1);
});

test("a stream that is quiet for long is opened anew, since nobody can tell whether it lives", async () => {
  const { reader, log, clock } = await opened({}, { without: ["WebSocket"], after: "k3x9-0" });
  for (const source of log.sources) source.more = () => {};
  log.publish("feeds.1");
  await clock.pass(310 * SECOND);
  sawAll(reader, log);
  assert.deepEqual([log.tried.sse, log.sources.size], [2, 1]);
  assert.ok(!reader.states.includes("offline"));
});

test("a stream tells other topics, ended rights and notices, and is left when it is drained", async () => {
  const { reader, live, log, clock } = await opened({ ws: false }, { after: "k3x9-0", identity: "alice" });
  const heard = [];
  live.notices.addEventListener("operations", ({ data }) => heard.push(data));
  const [source] = log.sources;
  source.tell("topics", { added: ["feeds.9"], removed: [], cursor: "k3x9-0" });
  source.tell("revoked", { topics: ["feeds.1"], cursor: "k3x9-0" });
  source.tell("notice", { topic: "operations", data: 1 }, "");
  await clock.pass(0);
  assert.deepEqual(reader.told, [["topics", ["feeds.9"], [], "k3x9-0"], ["revoked", ["feeds.1"], "k3x9-0"]]);
  assert.deepEqual(heard, [1]);
  source.tell("reconnect", { after_ms: 3000 }, "");
  await clock.pass(2 * SECOND);
  assert.equal(live.state, "offline");
  log.publish("feeds.1");
  await clock.pass(3 * SECOND);
  sawAll(reader, log);
});

test("more subscriptions than a browser has connections for take turns", async () => {
  const { live, log, clock } = await opened({ ws: false });
  const readers = Array.from({ length: 7 }, () => ({ seen: [], told: [] }));
  for (const reader of readers) live.subscribe({ topics: ["feeds.1"] }, teller(reader));
  await clock.pass(20 * SECOND);
  assert.equal(log.sources.size, 0);
  log.publish("feeds.1");
  await clock.pass(10 * SECOND);
  for (const reader of readers) sawAll(reader, log);
  assert.ok(log.polls.length <= 3);
});

test("an empty answer that did not wait is not asked for again at once", async () => {
  const { log, clock } = await opened({ ws: false, sse: false });
  log.fetch = async () => ((log.tried.poll += 1), { ok: true, json: async () => ({ events: [], cursor: "k3x9-0", head: "k3x9-0", reset: null }) });
  log.polls[0]?.(new TypeError("Failed to fetch"));
  const before = log.tried.poll;
  await clock.pass(20 * SECOND);
  assert.ok(log.tried.poll - before <= 25, String(log.tried.poll - before));
});

test("an event is published over the socket", async () => {
  const { live, log } = await opened({});
  const event = await live.publish({ type: "feeds.note.made", topic: "feeds.1", data: {} }, { idempotencyKey: "once" });
  assert.equal(event.cursor, "k3x9-1");
  assert.equal(log.tried.post, 0);
});

test("two that are published at once by one key are both answered with the one event", async () => {
  const { live, log } = await opened({});
  const event = { type: "feeds.note.made", topic: "feeds.1", data: {} };
  const twice = [1, 2].map(() => live.publish(event, { idempotencyKey: "once" }));
  const [first, second] = await Promise.all(twice);
  assert.equal(first.id, second.id);
  assert.equal(log.events.length, 1);
});

test("an event that may not be published is refused in the wire's words, by socket and by request", async () => {
  for (const lets of [{}, { ws: false }]) {
    const { live } = await opened(lets);
    const refused = live.publish({ type: "feeds.note.made", topic: "forbidden", data: {} });
    await assert.rejects(refused, { name: "LiveError", code: "forbidden", message: "No." });
  }
});

test("an answer that is lost with the socket is asked for again by the same key, so it happens once", async () => {
  const { reader, live, log, clock } = await opened({});
  log.losesAnswers = true;
  const event = await live.publish({ type: "feeds.note.made", topic: "feeds.1", data: {} });
  assert.equal(event.cursor, "k3x9-1");
  assert.deepEqual([log.events.length, log.tried.post], [1, 1]);
  await clock.pass(5 * SECOND);
  sawAll(reader, log);
});

test("without a socket an event is published by a request", async () => {
  const { live, log } = await opened({ ws: false });
  const event = await live.publish({ type: "feeds.note.made", topic: "feeds.1", data: {} });
  assert.equal(event.cursor, "k3x9-1");
  assert.equal(log.tried.post, 1);
});
