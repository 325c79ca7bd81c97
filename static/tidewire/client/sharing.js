/**
 * One connection for all tabs of a browser that show the same user.
 *
 * The tab that has the lock leads: it holds the connection. The others tell it what they read, and from which cursor.
 * When it goes, however it goes, the next one gets the lock, and all tell that one.
 */

import { connection, post } from "./connection.js";

const ANSWER = 3000;
const PATROL = 60_000;

/** Share; `tell` is a connection's, with `renew()`: say again what is wanted, by new names that begin with the `id`. */
export function sharing(settings, key, id, tell) {
  const { navigator, document, BroadcastChannel, setTimeout, clearTimeout, Date } = settings.window;
  const { locks } = navigator;
  let channel = new BroadcastChannel(key);
  const leaving = new AbortController();
  const tabs = new Map();
  // Should two believe that they lead, the later one is right.
  let leader = { term: 0 };
  let [own, heard, asking, patrolling] = [null, 0, 0, 0];
  let standing = new AbortController();
  let resign = () => {};

  const say = (message) => leaving.signal.aborted || channel?.postMessage({ ...message, from: id });
  const tellLeader = (message) => say({ ...message, to: leader.from });

  /** Hold a lock until the page leaves, or `run` calls what it is given. */
  const hold = (name, options, run) =>
    locks.request(name, options, () => leaving.signal.aborted || new Promise((release) => {
      leaving.signal.addEventListener("abort", release);
      run(release);
    }));

  // -- Leading ----------------------------------------------------------------------------------------------------------

  function stand(options = { signal: standing.signal }) {
    hold(key, options, lead).catch(() => own && stepDown());
  }

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
    // Whether they are signed out, others find out for themselves: somebody may have signed in again.
    if (state === "signed out") close();
    announce();
    tell.state(state);
  }

  function deliver(frame) {
    const isMine = frame.id?.startsWith(id);
    if (!isMine) say({ frame });
    if (isMine || frame.type === "notice") take(frame);
  }

  function serve({ from, open, shut }) {
    // A tab's lock is free once it has gone.
    if (!tabs.has(from)) locks.request(`${key} ${from}`, { signal: leader.signal }, () => tabs.get(from).forEach(own.shut)).catch(() => {});
    tabs.set(from, (tabs.get(from) ?? new Set()).add(open?.name ?? shut));
    if (open) own.open(open);
    else own.shut(shut);
  }

  // -- Following --------------------------------------------------------------------------------------------------------

  const take = (frame) => (frame.type === "notice" ? tell.notice(frame) : tell.frame(frame));

  channel.onmessage = ({ data }) => {
    if (leaving.signal.aborted) return;
    if (data.term) follow(data);
    else if (own && data.hello) own.wake(), announce();
    else if (own && data.to === id) serve(data);
    else if (!own && data.frame) (heard = Date.now()), take(data.frame);
  };

  function follow(message) {
    if (message.term < leader.term) return;
    if (own) stepDown();
    const isNew = message.from !== leader.from;
    [leader, heard] = [message, Date.now()];
    tell.state(message.state);
    if (isNew) tell.renew();
  }

  /** Ask who leads. One who does not answer sleeps with the lock in hand: a tab that is looked at takes it away. */
  function inquire() {
    const asked = Date.now();
    say({ hello: true });
    clearTimeout(asking);
    asking = setTimeout(() => {
      if (own || heard >= asked || document.hidden) return;
      standing.abort();
      standing = new AbortController();
      stand({ steal: true });
    }, ANSWER);
  }

  function patrol() {
    patrolling = setTimeout(patrol, PATROL);
    if (!own && Date.now() - heard > PATROL) inquire();
  }

  function close() {
    if (own) resign();
    leaving.abort();
    standing.abort();
    channel?.close();
    [asking, patrolling].forEach(clearTimeout);
  }

  // The leader knows by its lock that a tab is alive: the lock comes before the first word.
  hold(`${key} ${id}`, {}, () => (stand(), inquire(), patrol())).catch(() => {
    // There are no locks here, so this tab is on its own.
    channel = channel.close();
    lead(() => {});
  });
  return {
    open: (wanted) => (own ? own.open(wanted) : leader.from && tellLeader({ open: wanted })),
    shut: (name) => (own ? own.shut(name) : tellLeader({ shut: name })),
    publish: (event, idempotencyKey) => (own ?? { publish: post.bind(null, settings) }).publish(event, idempotencyKey),
    wake: (isSuspect) => (own ? own.wake(isSuspect) : inquire()),
    cut: () => own?.cut(),
    close,
  };
}
