/**
 * Several models asked the same, each in a thread of its own.
 *
 * The rule kept here: a pane's id is minted when the pane is made and never looked up again, so what is written to a pane
 * lands in its thread whatever else is opened, chosen or closed meanwhile.
 */

import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Command, Place } from '../client/rest';
import { newId } from '../ids';
import { itemsOf } from './along';
import type { Attaching, Attachments } from './attachments';
import type { Shown, Thread } from './thread';
import type { OpenThreads } from './threads';
import { EMPTY } from './view';

/** A pane as it is kept with the layout and told in a link. */
export interface KeptPane {
  readonly threadId: string;
  /** A model's id; empty for the server's choice. */
  readonly model: string;
}

export interface Pane extends KeptPane {
  readonly thread: Thread;
}

export interface Compared {
  readonly panes: readonly Pane[];
  /** What is written and not sent. */
  readonly draft: string;
}

/** More panes than this are not shown beside each other. */
export const MOST_PANES = 4;

/** Fresh panes for those models. */
export function freshPanes(models: readonly string[]): readonly KeptPane[] {
  return models.map(model => ({ threadId: newId(), model }));
}

export class Comparison {
  private state: Compared;
  private isClosed = false;
  /** How each thing that goes along with the next message comes to a thread, by its id. */
  private readonly brought = new Map<string, (to: Attachments, id: string) => void>();
  private readonly signal = new Signal<this, Compared>(this);

  constructor(
    private readonly threads: OpenThreads,
    readonly place: Place,
    panes: readonly KeptPane[]
  ) {
    this.state = { panes: panes.slice(0, MOST_PANES).map(pane => this.taken(pane)), draft: '' };
  }

  get value(): Compared {
    return this.state;
  }

  get changed(): ISignal<this, Compared> {
    return this.signal;
  }

  /** What brings it back: each pane's thread and model. */
  get kept(): readonly KeptPane[] {
    return this.state.panes.map(({ threadId, model }) => ({ threadId, model }));
  }

  write(draft: string): void {
    this.set({ draft });
  }

  /** Asks every pane's model, each in its own thread, with what goes along: each thread has its own of it. */
  send(text: string): void {
    this.brought.clear();
    for (const { thread, model } of this.state.panes) {
      const context = itemsOf(thread.attachments.take());
      thread.send(text, { model: model || null, ...(context.length > 0 && { context }) });
    }
  }

  /** What is to go along is brought to every pane's thread, also to one that is added before it is sent. */
  readonly attachments: Attaching = {
    add: (label, item) => this.bring((to, id) => to.add(label, item, id)),
    upload: file => this.bring((to, id) => to.upload(file, id)),
    copyIn: path => this.bring((to, id) => to.copyIn(path, id)),
    refuse: (label, refusal) => this.bring((to, id) => to.refuse(label, refusal, id)),
    remove: id => {
      this.brought.delete(id);
      this.state.panes.forEach(({ thread }) => thread.attachments.remove(id));
    },
    retry: id =>
      this.state.panes.forEach(({ thread }) => {
        if (thread.attachments.value.some(each => each.id === id && each.state === 'failed')) {
          thread.attachments.retry(id);
        }
      })
  };

  /** Where its threads live, and who answers in the first; the files of one are not the others'. */
  readonly snapshot = (): Pick<Shown, 'view' | 'files'> => ({
    view: this.state.panes[0]?.thread.snapshot().view ?? EMPTY,
    files: []
  });

  /** What can be typed after `/`. */
  async commands(): Promise<readonly Command[]> {
    return (await this.state.panes[0]?.thread.commands()) ?? [];
  }

  private bring(how: (to: Attachments, id: string) => void): void {
    const id = newId();
    this.brought.set(id, how);
    this.state.panes.forEach(({ thread }) => how(thread.attachments, id));
  }

  /** Stops what runs and waits in every pane. */
  cancel(): void {
    this.state.panes.forEach(({ thread }) => thread.cancel());
  }

  /** Chooses who answers in a pane from its next message on. */
  choose(threadId: string, model: string): void {
    this.set({
      panes: this.state.panes.map(pane => (pane.threadId === threadId ? { ...pane, model } : pane))
    });
  }

  /** One more pane, with a thread of its own. */
  add(model: string): void {
    if (this.state.panes.length < MOST_PANES) {
      const fresh = freshPanes([model]).map(pane => this.taken(pane));
      fresh.forEach(({ thread }) => this.brought.forEach((how, id) => how(thread.attachments, id)));
      this.set({ panes: [...this.state.panes, ...fresh] });
    }
  }

  /** Takes a pane away; its thread stays in the list, and what runs there goes on. */
  drop(threadId: string): void {
    const dropped = this.state.panes.find(pane => pane.threadId === threadId);
    if (dropped) {
      this.leave(dropped);
      this.set({ panes: this.state.panes.filter(pane => pane.threadId !== threadId) });
    }
  }

  /** Lets go of its threads; what runs in them goes on. */
  close(): void {
    if (!this.isClosed) {
      this.isClosed = true;
      this.state.panes.forEach(pane => this.leave(pane));
      Signal.clearData(this);
    }
  }

  /** Lets go of a thread. What was to go along with the message for all stays with no single one. */
  private leave({ thread, threadId }: Pane): void {
    this.brought.forEach((_, id) => thread.attachments.remove(id));
    this.threads.release(threadId);
  }

  private taken(pane: KeptPane): Pane {
    this.threads.setApart(pane.threadId);
    return { ...pane, thread: this.threads.take(pane.threadId, this.place) };
  }

  private set(change: Partial<Compared>): void {
    this.state = { ...this.state, ...change };
    this.signal.emit(this.state);
  }
}
