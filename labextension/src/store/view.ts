/**
 * What is known of one thread: a value that is never changed, only replaced (see reducer.ts).
 */

import type {
  AgentInfo,
  Approval,
  Content,
  Level,
  Message,
  Outcome,
  Queued,
  RunInFlight,
  SendOptions,
  ThreadInfo,
  Usage
} from '../protocol';

/** A message and where it stands in the transcript. */
export interface Kept {
  readonly seq: number;
  readonly created: string;
  readonly run_id: string | null;
  readonly message: Message;
}

export interface Run {
  readonly run_id: string;
  /** The message it answers; `null` while that lies before what has been read. */
  readonly message_id: string | null;
  /** The run it follows: `null` at the root, `undefined` while its start lies before what has been read. */
  readonly parent_run_id: string | null | undefined;
  /** `null` while it goes on. */
  readonly outcome: Outcome | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly model: string | null;
  readonly usage: Usage | null;
  /** The number of its `start` line; 0 while that is not known. */
  readonly seq: number;
  /** Whether only this is known of it: that another branch begins with it. */
  readonly isBeside?: boolean;
  /** Whether what it asked a person has been answered. */
  readonly isDecided?: boolean;
  /** Ids of what it has said, oldest first. */
  readonly message_ids: readonly string[];
}

/** A message of this client that the transcript does not show yet. */
export interface Pending {
  readonly id: string;
  readonly content: Content;
  readonly options?: SendOptions;
  /** `sending`: not confirmed; `sent`: on disk, its line is on its way; `failed`: refused, its words are kept. */
  readonly state: 'sending' | 'sent' | 'failed';
  /** The number of its line, once acknowledged. */
  readonly seq: number | null;
  readonly refusal: Refusal | null;
}

/** This client's answer to what a run asks, until its line comes. */
export interface Deciding {
  readonly run_id: string;
  /** The frame's id. */
  readonly id: string;
  /** Why it was refused; then another may be given. */
  readonly refusal: Refusal | null;
}

/** The code of what is too long to be sent, which no server needs to say. */
export const TOO_LONG = 'too_long';

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export interface View {
  /** `null` until the first hello. */
  readonly thread: ThreadInfo | null;
  readonly agent: AgentInfo | null;
  readonly level: Level | null;
  /** The most bytes of a message; `null` while that is not known. */
  readonly most: number | null;
  /** The number of the last line heard; what a client that joins again asks to continue after. */
  readonly seq: number;
  /** The number of the oldest line read; 0 before any. Older messages are asked for before it. */
  readonly oldest: number;
  /** Whether older messages exist. */
  readonly more: boolean;
  readonly messages: ReadonlyMap<string, Kept>;
  /** In the order they began. */
  readonly runs: ReadonlyMap<string, Run>;
  readonly withdrawn: ReadonlySet<string>;
  /** The run the path ends with: `null` is the root, `undefined` not read yet. */
  readonly head: string | null | undefined;
  /** The run the path ends with on this screen, where someone looks at another branch; `null` follows the head. */
  readonly tip: string | null;
  readonly live: RunInFlight | null;
  readonly queue: readonly Queued[];
  readonly approvals: readonly Approval[];
  readonly deciding: Deciding | null;
  readonly pending: readonly Pending[];
  /** Why the server refused the last thing asked of it that was no message; `null` once dismissed. */
  readonly notice: Refusal | null;
  /** Why the server will not have this thread; nothing more comes. */
  readonly closed: Refusal | null;
}

/** What has been said, and where: the part of a view that a piece of an answer leaves as it is. */
export type Said = Pick<View, 'runs' | 'messages' | 'pending' | 'tip' | 'head'>;

export const EMPTY: View = {
  thread: null,
  agent: null,
  level: null,
  most: null,
  seq: 0,
  oldest: 0,
  more: false,
  messages: new Map(),
  runs: new Map(),
  withdrawn: new Set(),
  head: undefined,
  tip: null,
  live: null,
  queue: [],
  approvals: [],
  deciding: null,
  pending: [],
  notice: null,
  closed: null
};
