/**
 * Which thread the sidebar shows: one for each notebook, the notebook's latest when it is first looked at.
 *
 * The rule kept here: choosing is synchronous. Nothing that was asked of the server earlier overrules a choice.
 */

import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { placeOf } from '../client/rest';
import type { Place, ThreadRow } from '../client/rest';
import { newId } from '../ids';
import type { Thread } from '../store/thread';
import type { OpenThreads, ThreadList } from '../store/threads';
import type { NotebookChange } from './notebook';

interface Choice {
  readonly threadId: string;
  readonly place: Place;
  /** A new thread that the notebook's latest may still replace. */
  readonly isProvisional: boolean;
  /** A new thread that nobody asked for: the first that appears, from a cell or another page, takes its place. */
  readonly isSpare?: boolean;
}

/** What the sidebar shows. */
export interface DeskState {
  readonly thread: Thread;
  readonly notebook: string | null;
  readonly isProvisional: boolean;
  /** Rises when the composer should take the focus. */
  readonly focus: number;
  /** Threads with an answer nobody has seen. */
  readonly unread: ReadonlySet<string>;
}

export class Desk {
  private readonly choices = new Map<string, Choice>();
  private readonly signal = new Signal<this, DeskState>(this);
  private state: DeskState;

  constructor(
    private readonly threads: OpenThreads,
    private readonly list: ThreadList,
    notebook: string | null
  ) {
    const choice = this.fresh(notebook, true);
    this.state = {
      thread: threads.take(choice.threadId, choice.place),
      notebook,
      isProvisional: true,
      focus: 0,
      unread: new Set()
    };
    void this.resume(notebook);
    list.changed.connect(() => this.replaceSpare());
  }

  get value(): DeskState {
    return this.state;
  }

  get changed(): ISignal<this, DeskState> {
    return this.signal;
  }

  /** Shows a new thread of the active notebook; its id is minted here and now. */
  newChat(): void {
    this.choose(this.fresh(this.state.notebook, false));
    this.focusComposer();
  }

  /** Shows a thread of the list. */
  open(row: ThreadRow): void {
    this.choose({ threadId: row.thread_id, place: placeOf(row), isProvisional: false });
  }

  /** A thread is deleted: where it was shown, a new one is. */
  forget(threadId: string): void {
    for (const [notebook, choice] of this.choices) {
      if (choice.threadId === threadId) {
        this.choices.delete(notebook);
      }
    }
    if (this.state.thread.id === threadId) {
      this.choose(this.fresh(this.state.notebook, false));
    }
    this.threads.forget(threadId);
  }

  focusComposer(): void {
    this.set({ focus: this.state.focus + 1 });
  }

  /** Another notebook is active, or the same one has another name. */
  follow({ path, renamedFrom }: NotebookChange): void {
    this.set({ notebook: path });
    if (renamedFrom === null) {
      this.choose(this.choices.get(keyOf(path)) ?? this.fresh(path, true));
    } else {
      const choice = this.choices.get(keyOf(renamedFrom));
      this.choices.delete(renamedFrom);
      if (choice) {
        this.choices.set(keyOf(path), choice);
      }
    }
    void (this.state.isProvisional ? this.resume(path) : this.list.look(path));
  }

  /** Shows the notebook's latest thread, unless something was chosen, written or sent meanwhile, or it was left. */
  private async resume(notebook: string | null): Promise<void> {
    const { here } = await this.list.look(notebook);
    const choice = this.choices.get(keyOf(notebook));
    if (this.state.notebook !== notebook || !choice?.isProvisional) {
      return;
    }
    const isUsed = this.isUsed(choice);
    const latest = notebook !== null && !isUsed ? latestOf(here) : undefined;
    this.choose(
      latest
        ? { threadId: latest.thread_id, place: placeOf(latest), isProvisional: false }
        : { ...choice, isProvisional: false, isSpare: !isUsed }
    );
  }

  /**
   * Shows the first thread that appears beside the notebook, where a new one stands that nobody asked for. Those of a
   * comparison have their place.
   */
  private replaceSpare(): void {
    const { notebook } = this.state;
    const choice = this.choices.get(keyOf(notebook));
    const others = this.list.value.here.filter(row => !this.threads.isApart(row.thread_id));
    const latest = notebook === null ? undefined : latestOf(others);
    if (choice?.isSpare && latest && latest.thread_id !== choice.threadId && !this.isUsed(choice)) {
      this.open(latest);
    }
  }

  private isUsed(choice: Choice): boolean {
    const open = this.threads.get(choice.threadId)?.snapshot();
    return !!open && (open.draft !== '' || open.view.pending.length > 0 || open.view.runs.size > 0);
  }

  private fresh(notebook: string | null, isProvisional: boolean): Choice {
    // What was written in a thread that never began is not lost with the page.
    const unsent = isProvisional ? this.threads.unsent(notebook) : null;
    const choice = { threadId: unsent ?? newId(), place: { notebook }, isProvisional };
    this.choices.set(keyOf(notebook), choice);
    return choice;
  }

  private choose(choice: Choice): void {
    this.choices.set(keyOf(this.state.notebook), choice);
    const unread = new Set(this.state.unread);
    unread.delete(choice.threadId);
    const before = this.state.thread;
    const thread = this.threads.take(choice.threadId, choice.place);
    this.set({ thread, unread, isProvisional: choice.isProvisional });
    if (before !== thread && before.isBusy) {
      this.watch(before);
    } else {
      this.threads.release(before.id);
    }
  }

  /** Marks a thread that was left while it was being answered, once the answer has come. */
  private watch(thread: Thread): void {
    const stop = thread.subscribe(() => {
      if (thread.isBusy) {
        return;
      }
      stop();
      if (this.state.thread !== thread) {
        this.set({ unread: new Set([...this.state.unread, thread.id]) });
      }
      this.threads.release(thread.id);
    });
  }

  private set(change: Partial<DeskState>): void {
    this.state = { ...this.state, ...change };
    this.signal.emit(this.state);
  }
}

/** The thread that was heard in last, of those a person began: what programs ask is no conversation to go on with. */
function latestOf(rows: readonly ThreadRow[]): ThreadRow | undefined {
  return rows.find(row => !row.origin);
}

/** Where no notebook is open, there is a choice too. */
function keyOf(notebook: string | null): string {
  return notebook ?? '';
}
