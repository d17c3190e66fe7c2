/**
 * What is written and not sent, kept by the browser for each thread, so that a reload loses nothing.
 *
 * Where a page may not keep anything (a sandboxed frame, a full or forbidden storage) nothing is kept, and nothing fails.
 */

import type { Along } from './along';

export interface Draft {
  readonly text: string;
  readonly along: readonly Along[];
}

/** A draft as it is kept. `isNew`: nothing has been sent in its thread. */
interface Kept extends Draft {
  readonly notebook: string | null;
  readonly isNew: boolean;
  readonly at: number;
}

/** What a page keeps drafts in; `localStorage` where it may. */
export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

const KEPT_MS = 30 * 24 * 3600 * 1000;
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

  read(threadId: string): Draft {
    return this.kept(threadId) ?? NOTHING;
  }

  /** Keeps a draft; nothing written is nothing kept. */
  write(threadId: string, { text, along }: Draft, notebook: string | null, isNew: boolean): void {
    const there = along.filter(each => each.item !== null);
    if (text === '' && there.length === 0) {
      this.drop(threadId);
      return;
    }
    const kept: Kept = { text, along: there, notebook, isNew, at: this.now() };
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
