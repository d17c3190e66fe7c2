/** Which rows of a long list are in the page, and where: those near the eye, with what must not go. */

import { defaultRangeExtractor } from '@tanstack/react-virtual';
import type { Range, VirtualItem } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { FocusEvent, RefObject } from 'react';

import { useFrameState } from './frameState';
import { useVirtual } from './virtual';
import type { List, Placing } from './virtual';

export interface Rows {
  readonly items: readonly VirtualItem[];
  readonly isAtEnd: boolean;
  readonly toEnd: () => void;
  /** For the node of each row, which tells its place in the list by `data-index`. */
  readonly measure: (node: HTMLElement | null) => void;
  readonly onFocus: (event: FocusEvent) => void;
  readonly onBlur: () => void;
}

/** Within so many pixels of its end, the list follows what comes. */
const NEAR = 48;

/** Within so many pixels of its beginning, older rows are asked for. */
const TOP = 240;

/** A row's height in pixels before it is known. */
const GUESS = 160;

/** Milliseconds within which Markdown is drawn. */
const DRAWN = 400;

/** What scrolls, and the list in it. `top`: pixels above its first row, so that this row is what older ones come before. */
export interface Frame {
  readonly scroller: RefObject<HTMLDivElement>;
  readonly content: RefObject<HTMLDivElement>;
  readonly top: number;
}

/** Rows of `keys`; those that are `pinned` stay in the page. `onTop` is called when someone scrolls to the beginning. */
export function useRows(
  frame: Frame,
  keys: readonly string[],
  pinned: ReadonlySet<string>,
  onTop: () => void
): Rows {
  const { scroller, top } = frame;
  const [standing] = useState(() => new Standing(frame));
  const [isAtEnd, setAtEnd] = useFrameState(true);
  const [focused, setFocused] = useState<string | null>(null);

  const getItemKey = useCallback((index: number) => keys[index], [keys]);
  const rangeExtractor = useCallback(
    (range: Range) => {
      const kept = keys.flatMap((key, index) => (pinned.has(key) || key === focused ? [index] : []));
      return [...new Set([...defaultRangeExtractor(range), ...kept])].sort((a, b) => a - b);
    },
    [keys, pinned, focused]
  );
  const list = useVirtual(
    {
      count: keys.length,
      getScrollElement: () => scroller.current,
      estimateSize: () => GUESS,
      getItemKey,
      rangeExtractor,
      overscan: 4,
      paddingStart: top,
      anchorTo: 'end',
      initialOffset: Number.MAX_SAFE_INTEGER
    },
    standing
  );

  const toEnd = useCallback(() => {
    setAtEnd(true);
    standing.toEnd();
  }, [standing, setAtEnd]);

  const reachTop = useRef(onTop);
  useEffect(() => {
    reachTop.current = onTop;
  }, [onTop]);

  useEffect(
    () =>
      standing.follow(({ follows, isNearTop }) => {
        if (isNearTop) {
          reachTop.current();
        }
        setAtEnd(follows);
      }),
    [standing, setAtEnd]
  );

  const items = list.getVirtualItems();
  const shown = items.map(item => item.key).join();
  useEffect(() => {
    const timer = setTimeout(() => standing.settle(shown.split(','), list), DRAWN);
    return () => clearTimeout(timer);
  }, [shown, standing, list]);
  const measure = useCallback(
    (node: HTMLElement | null) => {
      if (node) {
        standing.hold(node, list.options.getItemKey(Number(node.dataset.index)));
      }
      list.measureElement(node);
    },
    [standing, list]
  );

  return {
    items,
    isAtEnd,
    toEnd,
    measure,
    onFocus: event => setFocused(keyAround(event.target, keys)),
    onBlur: () => setFocused(null)
  };
}

type Key = VirtualItem['key'];

/** Where someone who scrolls has come to. */
interface Scrolled {
  readonly follows: boolean;
  readonly isNearTop: boolean;
}

/** What is written to the page without a render: where rows stand, how high they and their list are, and its end. */
class Standing implements Placing {
  /** Whether the list's end is followed. */
  private follows = true;
  /** The rows whose words are drawn. */
  private drawn: ReadonlySet<string> = new Set();
  /** The heights of rows whose words were drawn. */
  private readonly heights = new Map<string, number>();

  constructor(private readonly frame: Frame) {}

  readonly place = (list: List): void => {
    this.grow(list.getTotalSize());
    for (const { key, start, size } of list.getVirtualItems()) {
      const row = list.elementsCache.get(key);
      if (row) {
        row.style.transform = `translateY(${start}px)`;
        this.hold(row, key);
      }
      if (this.drawn.has(String(key))) {
        this.heights.set(String(key), size);
      }
    }
  };

  /** A row that comes above what is read is drawn upwards; one that is being written grows downwards. */
  readonly holds: Placing['holds'] = ({ key, start, end }, _, { scrollOffset, scrollDirection }) => {
    const offset = scrollOffset ?? 0;
    const isGrown = this.drawn.has(String(key));
    return start < offset && (!isGrown || (end <= offset && scrollDirection !== 'backward'));
  };

  /** Has a row that comes back be as high as it was until its words are drawn again. */
  hold(row: HTMLElement, key: Key): void {
    const height = this.drawn.has(String(key)) ? undefined : this.heights.get(String(key));
    row.style.minHeight = height === undefined ? '' : `${height}px`;
  }

  /** The words of these rows, and of no others, are drawn. */
  settle(keys: readonly string[], list: List): void {
    this.drawn = new Set(keys);
    this.place(list);
  }

  toEnd(): void {
    const node = this.frame.scroller.current;
    if (node) {
      this.follows = true;
      node.scrollTop = node.scrollHeight;
    }
  }

  /** Keeps to the end until someone scrolls away, and tells of each scroll. Gives back what ends that. */
  follow(onScrolled: (scrolled: Scrolled) => void): () => void {
    const node = this.frame.scroller.current;
    if (!node) {
      return () => undefined;
    }
    let before = node.scrollTop;
    const onScroll = (): void => {
      // Growth moves the end away, too: only who scrolls up stops following.
      const isNear = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR;
      this.follows = isNear || (this.follows && node.scrollTop >= before);
      const isNearTop = node.scrollTop < before && node.scrollTop < TOP && !this.follows;
      before = node.scrollTop;
      onScrolled({ follows: this.follows, isNearTop });
    };
    const observer = new ResizeObserver(() => this.keepToEnd(node));
    node.addEventListener('scroll', onScroll, { passive: true });
    observer.observe(node);
    return () => {
      node.removeEventListener('scroll', onScroll);
      observer.disconnect();
    };
  }

  private grow(size: number): void {
    const { content, scroller } = this.frame;
    const height = `${size}px`;
    if (content.current && scroller.current && content.current.style.height !== height) {
      content.current.style.height = height;
      this.keepToEnd(scroller.current);
    }
  }

  private keepToEnd(node: HTMLElement): void {
    if (this.follows) {
      node.scrollTop = node.scrollHeight;
    }
  }
}

/** The key of the row a node is in. */
function keyAround(node: EventTarget, keys: readonly string[]): string | null {
  const row = node instanceof Element ? node.closest('[data-index]') : null;
  return row ? (keys[Number(row.getAttribute('data-index'))] ?? null) : null;
}
