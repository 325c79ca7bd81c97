/** A reader that keeps what it was told. */

import assert from "node:assert/strict";

import { connect } from "../../static/tidewire/tidewire.js";

/** Open Tidewire in a tab and read some topics. */
export function read(tab, { topics = ["feeds.1"], after, types, ...options } = {}) {
  const live = connect({ window: tab.window, ...options });
  const reader = { live, seen: [], told: [], states: [] };
  live.addEventListener("state", () => reader.states.push(live.state));
  reader.subscription = live.subscribe({ topics, after, types }, teller(reader));
  return reader;
}

export const teller = (reader) => ({
  events: (events) => reader.seen.push(...events.map(({ cursor }) => cursor)),
  reset: (reason, cursor) => reader.told.push(["reset", reason, cursor]),
  topics: (added, removed, cursor) => reader.told.push(["topics", added, removed, cursor]),
  revoked: (topics, cursor) => reader.told.push(["revoked", topics, cursor]),
  refused: ({ code }) => reader.told.push(["refused", code]),
});

/** Say that a reader has seen exactly what is in the log from a position on, once and in order. */
export function sawAll(reader, log, from = 0) {
  assert.deepEqual(reader.seen, log.events.slice(from).map(({ cursor }) => cursor));
}
