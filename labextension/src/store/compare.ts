/**
 * Several models asked the same, each in a thread of its own.
 *
 * The rule kept here: a pane's id is minted when the pane is made and never looked up again, so what is written to a pane
 * lands in its thread whatever else is opened, chosen or closed meanwhile.
 */

import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Place } from '../client/rest';
import { newId } from '../ids';
import type { Thread } from './thread';
import type { OpenThreads } from './threads';

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

  /** Asks every pane's model, each in its own thread. */
  send(text: string): void {
    for (const { thread, model } of this.state.panes) {
      thread.send(text, { model: model || null });
    }
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
      this.set({ panes: [...this.state.panes, ...freshPanes([model]).map(pane => this.taken(pane))] });
    }
  }

  /** Takes a pane away; its thread stays in the list, and what runs there goes on. */
  drop(threadId: string): void {
    if (this.state.panes.some(pane => pane.threadId === threadId)) {
      this.set({ panes: this.state.panes.filter(pane => pane.threadId !== threadId) });
      this.threads.release(threadId);
    }
  }

  /** Lets go of its threads; what runs in them goes on. */
  close(): void {
    if (!this.isClosed) {
      this.isClosed = true;
      this.state.panes.forEach(({ threadId }) => this.threads.release(threadId));
      Signal.clearData(this);
    }
  }

  private taken(pane: KeptPane): Pane {
    return { ...pane, thread: this.threads.take(pane.threadId, this.place) };
  }

  private set(change: Partial<Compared>): void {
    this.state = { ...this.state, ...change };
    this.signal.emit(this.state);
  }
}
