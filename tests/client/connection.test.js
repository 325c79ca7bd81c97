/** One tab and the server: resuming, states, trouble. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Browser } from "./browser.js";
import { read, sawAll, teller } from "./reader.js";
import { HEARTBEAT } from "./server.js";

const SECOND = 1000;

async function opened(options, ...tab) {
  const browser = new Browser();
  const reader = read(browser.tab(...tab), options);
  await browser.clock.pass(SECOND);
  return { browser, reader, ...browser, ...reader };
}

test("events are told once and in order", async () => {
  const { browser, reader, log, live } = await opened();
  assert.equal(live.state, "live");
  for (let number = 0; number < 5; number++) log.publish("feeds.1");
  log.publish("feeds.2");
  await browser.clock.pass(SECOND);
  assert.deepEqual(reader.seen, ["k3x9-1", "k3x9-2", "k3x9-3", "k3x9-4", "k3x9-5"]);
});

test("a lost socket resumes from the last cursor", async () => {
  const { browser, reader, log, clock } = await opened();
  log.publish("feeds.1");
  await clock.pass(SECOND);
  log.cut();
  log.publish("feeds.1");
  log.publish("feeds.1");
  await clock.pass(5 * SECOND);
  sawAll(reader, log);
  assert.equal(log.subscribes.at(-1).after, "k3x9-1");
  assert.equal(browser.log.sockets.size, 1);
});

test("the states are told", async () => {
  const { reader, log, clock } = await opened();
  log.publish("feeds.1");
  log.cut();
  await clock.pass(5 * SECOND);
  assert.deepEqual(reader.states, ["live", "offline", "catching up", "live"]);
});

test("a heartbeat moves the cursor of a quiet subscription", async () => {
  const { subscription, log, clock } = await opened({ after: "k3x9-0" });
  log.publish("feeds.2");
  log.beat();
  await clock.pass(0);
  assert.equal(subscription.cursor, "k3x9-1");
  log.cut();
  await clock.pass(5 * SECOND);
  assert.equal(log.subscribes.at(-1).after, "k3x9-1");
});

test("a reset is told, and the subscription goes on from its cursor", async () => {
  const { reader, log, clock } = await opened({ after: "gone-7" });
  assert.deepEqual(reader.told, [["reset", "epoch", "k3x9-0"]]);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  sawAll(reader, log);
  assert.equal(reader.live.state, "live");
});

test("other topics and ended rights are told with their cursor", async () => {
  const { reader, log, clock } = await opened();
  const [socket] = log.sockets;
  const [id] = socket.subscriptions.keys();
  socket.say({ type: "topics", id, added: ["feeds.9"], removed: [], cursor: "k3x9-0" });
  socket.say({ type: "revoked", id, topics: ["feeds.1"], cursor: "k3x9-0" });
  await clock.pass(0);
  assert.deepEqual(reader.told, [["topics", ["feeds.9"], [], "k3x9-0"], ["revoked", ["feeds.1"], "k3x9-0"]]);
});

test("each subscription has its own order and filter on one socket", async () => {
  const { reader, live, log, clock } = await opened();
  const second = { seen: [], told: [] };
  live.subscribe({ topics: ["feeds.1", "feeds.2"], types: ["feeds.comment.*"] }, teller(second));
  await clock.pass(SECOND);
  log.publish("feeds.1");
  log.publish("feeds.2", {}, "feeds.comment.published");
  await clock.pass(SECOND);
  assert.deepEqual([reader.seen, second.seen, log.tried.ws], [["k3x9-1"], ["k3x9-2"], 1]);
});

test("a closed subscription hears no more", async () => {
  const { reader, subscription, log, clock } = await opened();
  subscription.close();
  log.publish("feeds.1");
  await clock.pass(SECOND);
  assert.deepEqual(reader.seen, []);
  assert.equal([...log.sockets][0].subscriptions.size, 0);
});

test("a refused subscription is closed, and others go on", async () => {
  const { reader, live, log, clock } = await opened();
  log.forbidden.add("feeds.9");
  const refused = { seen: [], told: [] };
  live.subscribe({ topics: ["feeds.9"] }, teller(refused));
  await clock.pass(SECOND);
  assert.deepEqual(refused.told, [["refused", "forbidden"]]);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  sawAll(reader, log);
  assert.equal(live.state, "live");
});

test("a subscription that is one too many is asked for again later", async () => {
  const { reader, live, log, clock } = await opened();
  log.refusal = "too_many";
  const late = { seen: [], told: [] };
  live.subscribe({ topics: ["feeds.1"] }, teller(late));
  await clock.pass(SECOND);
  log.refusal = null;
  await clock.pass(31 * SECOND);
  log.publish("feeds.1");
  await clock.pass(SECOND);
  assert.deepEqual([late.seen, reader.seen], [["k3x9-1"], ["k3x9-1"]]);
});

test("an error of the page is reported and keeps no event back", async () => {
  const browser = new Browser();
  const tab = browser.tab();
  const reader = read(tab);
  const second = reader.live.subscribe({ topics: ["feeds.1"] }, { events: () => { throw new Error("of the page"); } });
  await browser.clock.pass(SECOND);
  browser.log.publish("feeds.1");
  await browser.clock.pass(SECOND);
  assert.equal(tab.errors[0].message, "of the page");
  assert.equal(second.cursor, "k3x9-1");
  sawAll(reader, browser.log);
});

test("an ended session is not tried again", async () => {
  const { live, log, clock } = await opened();
  log.cut(4401);
  await clock.pass(600 * SECOND);
  assert.equal(live.state, "signed out");
  assert.equal(log.tried.ws, 1);
});

test("a subscription that needs a session says that there is none", async () => {
  const browser = new Browser();
  browser.log.refusal = "unauthenticated";
  const { live } = read(browser.tab());
  await browser.clock.pass(60 * SECOND);
  assert.equal(live.state, "signed out");
  assert.equal(browser.log.tried.ws, 1);
});

test("too many connections are tried again slowly, and by no other transport", async () => {
  const browser = new Browser();
  browser.log.closesWith = 4429;
  read(browser.tab());
  await browser.clock.pass(29 * SECOND);
  assert.equal(browser.log.tried.ws, 1);
  await browser.clock.pass(300 * SECOND);
  assert.ok(browser.log.tried.ws >= 5 && browser.log.tried.ws <= 11, String(browser.log.tried.ws));
  assert.equal(browser.log.tried.sse, 0);
});

test("a draining server is left for as long as it says", async () => {
  const { reader, log, clock } = await opened();
  [...log.sockets][0].say({ type: "reconnect", after_ms: 2140 });
  await clock.pass(2139);
  assert.equal(log.tried.ws, 1);
  log.publish("feeds.1");
  await clock.pass(1);
  assert.equal(log.tried.ws, 2);
  await clock.pass(SECOND);
  sawAll(reader, log);
});

test("without a network it is tried at random times within bounds that grow to 30 s", async () => {
  const { browser, log, clock } = await opened({}, { random: () => 0.999 });
  browser.network(false);
  const times = [];
  for (let second = 0; second < 150; second++) {
    const before = log.tried.ws;
    await clock.pass(SECOND);
    if (log.tried.ws > before) times.push(second);
  }
  assert.deepEqual(times.slice(1).map((time, index) => time - times[index]), [2, 4, 8, 16, 30, 30, 30]);
});

test("the network's return and a page that is looked at are reasons to try at once", async () => {
  const browser = new Browser();
  const tab = browser.tab({ random: () => 0.999 });
  const reader = read(tab);
  await browser.clock.pass(SECOND);
  browser.network(false);
  await browser.clock.pass(100 * SECOND);
  browser.log.publish("feeds.1");
  browser.network(true);
  await browser.clock.pass(0);
  sawAll(reader, browser.log);
  browser.log.lets.ws = false;
  browser.log.cut();
  await browser.clock.pass(100 * SECOND);
  browser.log.lets.ws = true;
  browser.log.publish("feeds.1");
  tab.show();
  await browser.clock.pass(SECOND);
  sawAll(reader, browser.log);
});

test("a silent socket is distrusted after two missed heartbeats", async () => {
  const { reader, log, clock } = await opened();
  log.isMute = true;
  log.publish("feeds.1");
  await clock.pass(2 * HEARTBEAT - 2 * SECOND);
  assert.equal(log.tried.ws, 1);
  log.isMute = false;
  await clock.pass(5 * SECOND);
  assert.equal(log.tried.ws, 2);
  sawAll(reader, log);
});

test("a page that was called late asks before it distrusts", async () => {
  const { log, clock } = await opened();
  clock.sleep(10 * 60 * SECOND);
  await clock.pass(30 * SECOND);
  assert.equal(log.tried.ws, 1);
  assert.equal(log.pings, 1);
});

test("a page that slept and hears nothing opens a new socket", async () => {
  const { reader, log, clock } = await opened();
  [...log.sockets][0].say = () => {};
  [...log.sockets][0].more = () => {};
  log.publish("feeds.1");
  clock.sleep(10 * 60 * SECOND);
  await clock.pass(10 * SECOND);
  assert.equal(log.tried.ws, 2);
  sawAll(reader, log);
});

test("a page kept for the way back closes, and goes on when it is shown again", async () => {
  const browser = new Browser();
  const tab = browser.tab();
  const reader = read(tab);
  await browser.clock.pass(SECOND);
  tab.window.dispatchEvent(new Event("pagehide"));
  assert.equal(browser.log.sockets.size, 0);
  browser.log.publish("feeds.1");
  await browser.clock.pass(60 * SECOND);
  tab.window.dispatchEvent(new Event("pageshow"));
  await browser.clock.pass(SECOND);
  sawAll(reader, browser.log);
  assert.equal(browser.log.sockets.size, 1);
  assert.equal(reader.live.state, "live");
});

test("notices are dispatched by their topic", async () => {
  const { live, log, clock } = await opened();
  const heard = [];
  live.notices.addEventListener("operations", ({ data }) => heard.push(data));
  [...log.sockets][0].say({ type: "notice", topic: "operations", data: { attempts: 3 } });
  await clock.pass(0);
  assert.deepEqual(heard, [{ attempts: 3 }]);
});

test("every connection has a ticket of its own", async () => {
  const browser = new Browser();
  let number = 0;
  read(browser.tab(), { ticket: async () => `ticket-${++number}` });
  await browser.clock.pass(SECOND);
  assert.match([...browser.log.sockets][0].url, /^wss:\/\/tidewire\.example\/live\/ws\?ticket=ticket-1$/);
  browser.log.cut();
  await browser.clock.pass(5 * SECOND);
  assert.match([...browser.log.sockets][0].url, /ticket-2$/);
});

test("a ticket that comes or fails after the page has left opens nothing", async () => {
  for (const ends of ["resolve", "reject"]) {
    const browser = new Browser();
    let end;
    const { live } = read(browser.tab(), { ticket: () => new Promise((resolve, reject) => (end = { resolve, reject })) });
    live.close();
    end[ends]("late");
    await browser.clock.pass(60 * SECOND);
    assert.equal(browser.log.tried.ws, 0);
    assert.equal(live.state, "offline");
  }
});

test("a page that leaves for good closes everything", async () => {
  const { live, log, clock } = await opened();
  live.close();
  await clock.pass(60 * SECOND);
  assert.deepEqual([log.sockets.size, log.tried.ws, live.state], [0, 1, "offline"]);
});
