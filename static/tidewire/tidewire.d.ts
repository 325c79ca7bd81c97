/** Tidewire in the browser. */

export interface LiveEvent {
  id: string;
  type: string;
  topic: string;
  subject?: string;
  time: string;
  data: any;
  cursor: string;
  previous: string;
}

/** The server said no; `code` is one of the wire's. */
export class LiveError extends Error {
  code: string;
  status?: number;
  errors?: { field: string; code: string; message: string }[];
}

/** What a subscription tells. An error thrown here is reported and keeps nothing from going on. */
export interface Reader {
  /** What happened: in order, each once. */
  events?(events: LiveEvent[], cursor: string): void;
  /** Some events cannot be had: read the state anew. The subscription goes on from this cursor. */
  reset?(reason: "retention" | "epoch" | "ahead", cursor: string): void;
  /** An alias means other topics, from this cursor on. */
  topics?(added: string[], removed: string[], cursor: string): void;
  /** These topics may not be read any more. */
  revoked?(topics: string[], cursor: string): void;
  /** The server does not serve this subscription; it is closed. */
  refused?(error: { code: string; message: string }): void;
}

export interface Subscription {
  readonly topics: string[];
  readonly types?: string[];
  /** Everything up to here was told. It is opaque: keep it, give it back. */
  readonly cursor?: string;
  close(): void;
}

/**
 * `live`: all is told as it happens. `catching up`: connecting, or what was missed is on its way. `offline`: waiting to
 * try again. `signed out`: the session or key has ended; nothing is tried any more.
 */
export type State = "live" | "catching up" | "offline" | "signed out";

/** Dispatches `state` when `state` has changed. */
export interface Live extends EventTarget {
  readonly state: State;
  /** Dispatches each live-only notice under the name of its topic, with `data`. */
  readonly notices: EventTarget;
  /** Read topics; `types` are patterns. Without `after` it begins with what happens next. */
  subscribe(what: { topics: string[]; after?: string; types?: string[] }, reader: Reader): Subscription;
  /** Resolves after the commit, rejects with a `LiveError`. Asked again with the same key it happens once. */
  publish(event: { type: string; topic: string; data: object }, options?: { idempotencyKey?: string }): Promise<any>;
  close(): void;
}

export interface Options {
  /** The origin of the server, if it is not that of the page. */
  url?: string;
  /** Gets a ticket for a connection, for pages of other origins. */
  ticket?: () => Promise<string>;
  /** More headers for requests, such as `Authorization`. */
  headers?: () => Record<string, string>;
  /** Who is signed in. Tabs with the same identity share one connection; without one each has its own. */
  identity?: string;
  /** In place of the browser's `window`. */
  window?: any;
}

export function connect(options?: Options): Live;
