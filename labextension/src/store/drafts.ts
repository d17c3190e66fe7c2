/**
 * What is written and not sent, and what was sent and not confirmed, kept by the browser for each thread, so that a
 * page that goes loses nothing.
 *
 * Where a page may not keep anything (a sandboxed frame, a full or forbidden storage) nothing is kept, and nothing fails.
 */

import type { Along } from './along';
import { textOf } from './turns';
import type { Pending } from './view';

export interface Draft {
  readonly text: string;
  readonly along: readonly Along[];
  /** Messages that no server has confirmed; sent again under their ids, they are the same messages. */
  readonly unconfirmed?: readonly Pending[];
}

/** A draft as it is kept. `isNew`: nothing has been sent in its thread. */
interface Kept extends Draft {
  readonly notebook: string | null;
  readonly isNew: boolean;
  readonly at: number;
}

/** What a page keeps drafts in; `localStorage` where it may. */
export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

const DAY_MS = 24 * 3600 * 1000;
const KEPT_MS = 30 * DAY_MS;
const LONGEST = 300_000;

export const NOTHING: Draft = { text: '', along: [] };

export class Drafts {
  private readonly prefix: string;

  /** `base` tells servers on one address apart. */
  constructor(
    base: string,
    private readonly storage: Storage | null = pageStorage(),
    private readonly now: () => number = () => Date.now()
  ) {
    this.prefix = `jupyter-chat-sessions:draft:${base}:`;
    for (const [threadId, { at }] of this.all()) {
      if (at < this.now() - KEPT_MS) {
        this.drop(threadId);
      }
    }
  }

  /** What was kept. Messages a day old are words to send again, or not: nobody expects them to go by themselves. */
  read(threadId: string): Draft {
    const kept = this.kept(threadId);
    if (kept === null) {
      return NOTHING;
    }
    const { text, along, unconfirmed = [], at } = kept;
    if (at >= this.now() - DAY_MS) {
      return { text, along, unconfirmed };
    }
    const words = [...unconfirmed.map(each => textOf(each.content)), text];
    return { text: words.filter(Boolean).join('\n\n'), along };
  }

  /** Keeps a draft; nothing written and nothing unconfirmed is nothing kept. */
  write(threadId: string, draft: Draft, notebook: string | null, isNew: boolean): void {
    const { text, along, unconfirmed = [] } = draft;
    const there = along.filter(each => each.item !== null);
    if (text === '' && there.length === 0 && unconfirmed.length === 0) {
      this.drop(threadId);
      return;
    }
    const kept: Kept = { text, along: there, unconfirmed, notebook, isNew, at: this.now() };
    const written = JSON.stringify(kept);
    if (written.length <= LONGEST) {
      this.attempt(storage => storage.setItem(this.prefix + threadId, written));
    }
  }

  drop(threadId: string): void {
    this.attempt(storage => storage.removeItem(this.prefix + threadId));
  }

  /** The thread in which someone wrote last beside that notebook without ever sending; `null` where there is none. */
  unsent(notebook: string | null): string | null {
    const found = this.all().filter(([, kept]) => kept.isNew && kept.notebook === notebook);
    found.sort(([, one], [, other]) => other.at - one.at);
    return found[0]?.[0] ?? null;
  }

  private all(): [string, Kept][] {
    const keys = this.attempt(storage =>
      Array.from({ length: storage.length }, (_, place) => storage.key(place))
    );
    return (keys ?? []).flatMap((key): [string, Kept][] => {
      const threadId = key?.startsWith(this.prefix) ? key.slice(this.prefix.length) : null;
      const kept = threadId === null ? null : this.kept(threadId);
      return threadId !== null && kept !== null ? [[threadId, kept]] : [];
    });
  }

  private kept(threadId: string): Kept | null {
    const written = this.attempt(storage => storage.getItem(this.prefix + threadId));
    try {
      const kept = JSON.parse(written ?? 'null') as Kept | null;
      return typeof kept?.text === 'string' && Array.isArray(kept.along) ? kept : null;
    } catch {
      return null;
    }
  }

  private attempt<T>(act: (storage: Storage) => T): T | null {
    try {
      return this.storage && act(this.storage);
    } catch {
      return null;
    }
  }
}

function pageStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
