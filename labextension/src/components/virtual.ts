/**
 * Rows of a long list of which only some are in the page.
 *
 * The rule kept here: where rows stand is written to the page as soon as one has another height, without a render. Only
 * where other rows are to be in the page a render is asked for, once before the page is drawn.
 */

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer
} from '@tanstack/react-virtual';
import type { VirtualizerOptions } from '@tanstack/react-virtual';
import { useLayoutEffect, useState, useSyncExternalStore } from 'react';

import { beforeFrame } from '../store/frames';

export type List = Virtualizer<HTMLDivElement, HTMLElement>;

type Options = VirtualizerOptions<HTMLDivElement, HTMLElement>;

const OF_ELEMENTS = { observeElementRect, observeElementOffset, scrollToFn: elementScroll };

/** What a list does to the page. */
export interface Placing {
  /** Writes where its rows stand. */
  readonly place: (list: List) => void;
  /** Whether what is in view is held where it is when a row has another height. */
  readonly holds: NonNullable<List['shouldAdjustScrollPositionOnItemSizeChange']>;
}

export function useVirtual(
  given: Omit<Options, keyof typeof OF_ELEMENTS | 'onChange'>,
  placing: Placing
): List {
  const [again] = useState(() => new Again());
  useSyncExternalStore(again.subscribe, again.snapshot);
  const options: Options = {
    ...OF_ELEMENTS,
    ...given,
    onChange: list => {
      placing.place(list);
      again.ask(keysIn(list));
    }
  };
  const [list] = useState(() => listOf(options, placing));
  list.setOptions(options);
  const keys = keysIn(list);

  useLayoutEffect(() => list._didMount(), [list]);
  useLayoutEffect(() => {
    again.isMet(keys);
    placing.place(list); // what is scrolled to has room first
    list._willUpdate();
    placing.place(list);
    again.demand(keysIn(list));
  });
  return list;
}

function listOf(options: Options, { holds }: Placing): List {
  const list = new Virtualizer(options);
  list.shouldAdjustScrollPositionOnItemSizeChange = holds;
  return list;
}

/** The rows that are to be in the page. */
function keysIn(list: List): string {
  return list
    .getVirtualItems()
    .map(item => item.key)
    .join();
}

/** Has a component rendered again that has rendered other rows than it should. */
class Again {
  private rendered = '';
  private times = 0;
  private forget: (() => void) | null = null;
  private listener: () => void = () => undefined;

  readonly snapshot = (): number => this.times;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listener = listener;
    return () => {
      this.isMet('');
      this.listener = () => undefined;
    };
  };

  /** Before the page is drawn, unless it is rendered anyway. */
  ask(keys: string): void {
    if (keys !== this.rendered) {
      this.forget ??= beforeFrame(() => this.render());
    }
  }

  /** At once. */
  demand(keys: string): void {
    if (keys !== this.rendered) {
      this.render();
    }
  }

  /** It has rendered these. */
  isMet(keys: string): void {
    this.rendered = keys;
    this.forget?.();
    this.forget = null;
  }

  private render(): void {
    this.forget?.();
    this.forget = null;
    this.times += 1;
    this.listener();
  }
}
