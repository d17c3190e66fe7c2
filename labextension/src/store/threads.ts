/**
 * The threads that are open in this page, each once, and the list of those that exist.
 */

import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { reasonOf } from '../client/refusal';
import { notebookOf, placeOf } from '../client/rest';
import type { Place, Rest, ThreadRow } from '../client/rest';
import type { Drafts } from './drafts';
import { Thread } from './thread';
import type { Connect, Page } from './thread';

/** Milliseconds a thread that nobody shows stays connected after it has come to rest. */
const LINGER = 30_000;

interface Held {
  readonly thread: Thread;
  viewers: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class OpenThreads {
  private readonly held = new Map<string, Held>();
  private readonly gone = new Signal<this, string>(this);
  private readonly apart = new Set<string>();

  constructor(
    private readonly rest: Rest,
    private readonly connect?: Connect,
    private readonly page: Page | null = null,
    private readonly drafts: Drafts | null = null
  ) {}

  /** A thread beside that notebook in which someone wrote and never sent; `null` where there is none. */
  unsent(notebook: string | null): string | null {
    return this.drafts?.unsent(notebook) ?? null;
  }

  /** Tells the ids of threads that were deleted here. */
  get forgotten(): ISignal<this, string> {
    return this.gone;
  }

  /** The open thread, opened if it is not. Who takes it gives it back with `release`. */
  take(threadId: string, place: Place): Thread {
    const held = this.held.get(threadId) ?? this.open(threadId, place);
    clearTimeout(held.timer);
    held.viewers += 1;
    return held.thread;
  }

  /** Nobody looks any more: the thread closes once it has come to rest, unless something unsent is kept in it. */
  release(threadId: string): void {
    const held = this.held.get(threadId);
    if (held && --held.viewers <= 0) {
      this.closeAtRest(threadId, held);
    }
  }

  /** The open thread, without taking it. */
  get(threadId: string): Thread | undefined {
    return this.held.get(threadId)?.thread;
  }

  /** Says that a thread is one of several that are asked the same, also once nobody shows them beside each other. */
  setApart(threadId: string): void {
    this.apart.add(threadId);
  }

  isApart(threadId: string): boolean {
    return this.apart.has(threadId);
  }

  /** Closes a thread that has been deleted. */
  forget(threadId: string): void {
    this.drop(threadId);
    this.drafts?.drop(threadId);
    this.gone.emit(threadId);
  }

  private drop(threadId: string): void {
    const held = this.held.get(threadId);
    clearTimeout(held?.timer);
    held?.thread.close();
    this.held.delete(threadId);
  }

  private open(threadId: string, place: Place): Held {
    const held = {
      thread: new Thread(threadId, place, this.rest, this.connect, this.page, this.drafts),
      viewers: 0,
      timer: undefined
    };
    this.held.set(threadId, held);
    return held;
  }

  private closeAtRest(threadId: string, held: Held): void {
    clearTimeout(held.timer);
    held.timer = setTimeout(() => {
      const { draft, along = [], view } = held.thread.snapshot();
      if (held.thread.isBusy || draft || along.length > 0 || view.pending.length > 0) {
        this.closeAtRest(threadId, held);
      } else {
        this.drop(threadId);
      }
    }, LINGER);
  }
}

/** The list of threads: this notebook's first, then the others'. */
export interface Catalog {
  readonly here: readonly ThreadRow[];
  readonly elsewhere: readonly ThreadRow[];
  readonly isLoaded: boolean;
  readonly error: string | null;
}

export class ThreadList {
  private catalog: Catalog = { here: [], elsewhere: [], isLoaded: false, error: null };
  private notebook: string | null = null;
  private asked = 0;
  private readonly signal = new Signal<this, Catalog>(this);

  constructor(private readonly rest: Rest) {}

  get changed(): ISignal<this, Catalog> {
    return this.signal;
  }

  get value(): Catalog {
    return this.catalog;
  }

  /** Shows the list as that notebook sees it. */
  async look(notebook: string | null): Promise<Catalog> {
    if (notebook !== this.notebook) {
      this.notebook = notebook;
      this.arrange([...this.catalog.here, ...this.catalog.elsewhere], false);
    }
    return this.refresh();
  }

  /** Asks the server again. An answer that a later question overtook is not shown. */
  async refresh(): Promise<Catalog> {
    const question = ++this.asked;
    const { notebook } = this;
    try {
      const [here, all] = await Promise.all([notebook ? this.rest.list({ notebook }) : [], this.rest.list()]);
      if (question === this.asked) {
        this.arrange([...here, ...all], true);
      }
    } catch (error) {
      if (question === this.asked) {
        this.set({ ...this.catalog, error: reasonOf(error) });
      }
    }
    return this.catalog;
  }

  /** The list without a thread, before the server has confirmed. */
  drop(threadId: string): void {
    const keep = (row: ThreadRow): boolean => row.thread_id !== threadId;
    this.set({
      ...this.catalog,
      here: this.catalog.here.filter(keep),
      elsewhere: this.catalog.elsewhere.filter(keep)
    });
  }

  /** The list with a thread's new title, before the server has confirmed. */
  retitle(threadId: string, title: string): void {
    const change = (row: ThreadRow): ThreadRow => (row.thread_id === threadId ? { ...row, title } : row);
    this.set({
      ...this.catalog,
      here: this.catalog.here.map(change),
      elsewhere: this.catalog.elsewhere.map(change)
    });
  }

  /** Where a thread of the list lives. */
  placeOf(threadId: string): Place | null {
    const row = [...this.catalog.here, ...this.catalog.elsewhere].find(each => each.thread_id === threadId);
    return row ? placeOf(row) : null;
  }

  private arrange(rows: readonly ThreadRow[], isLoaded: boolean): void {
    const unique = [...new Map(rows.map(row => [row.thread_id, row])).values()];
    unique.sort((a, b) => b.updated.localeCompare(a.updated));
    const isHere = (row: ThreadRow): boolean => this.notebook !== null && notebookOf(row) === this.notebook;
    this.set({
      here: unique.filter(isHere),
      elsewhere: unique.filter(row => !isHere(row)),
      isLoaded: isLoaded || this.catalog.isLoaded,
      error: null
    });
  }

  private set(catalog: Catalog): void {
    this.catalog = catalog;
    this.signal.emit(catalog);
  }
}
