/** Which rows of a long list are in the page, and where: those near the eye, with what must not go. */

import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import type { Range, VirtualItem } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { FocusEvent, RefObject } from 'react';

export interface Rows {
  readonly items: readonly VirtualItem[];
  /** The whole list's height in pixels. */
  readonly height: number;
  readonly isAtEnd: boolean;
  readonly toEnd: () => void;
  readonly measure: (node: Element | null) => void;
  /** The height a row that comes back holds until its words are drawn again. */
  readonly atLeast: (item: VirtualItem) => number | undefined;
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
  { scroller, content, top }: Frame,
  keys: readonly string[],
  pinned: ReadonlySet<string>,
  onTop: () => void
): Rows {
  const follows = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);
  const [focused, setFocused] = useState<string | null>(null);
  const [settled] = useState(() => new Map<string, number>());

  const getItemKey = useCallback((index: number) => keys[index], [keys]);
  const rangeExtractor = useCallback(
    (range: Range) => {
      const kept = keys.flatMap((key, index) => (pinned.has(key) || key === focused ? [index] : []));
      return [...new Set([...defaultRangeExtractor(range), ...kept])].sort((a, b) => a - b);
    },
    [keys, pinned, focused]
  );
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled or memoised
  const virtualizer = useVirtualizer<HTMLDivElement, Element>({
    count: keys.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => GUESS,
    getItemKey,
    rangeExtractor,
    overscan: 4,
    paddingStart: top,
    anchorTo: 'end',
    initialOffset: Number.MAX_SAFE_INTEGER
  });

  const toEnd = useCallback(() => {
    const node = scroller.current;
    if (node) {
      follows.current = true;
      setAtEnd(true);
      node.scrollTop = node.scrollHeight;
    }
  }, [scroller]);

  const reachTop = useRef(onTop);
  useEffect(() => {
    reachTop.current = onTop;
  }, [onTop]);

  useEffect(() => {
    const node = scroller.current;
    const inner = content.current;
    if (!node || !inner) {
      return;
    }
    let before = node.scrollTop;
    const onScroll = (): void => {
      // Growth moves the end away, too: only who scrolls up stops following.
      const isNear = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR;
      follows.current = isNear || (follows.current && node.scrollTop >= before);
      if (node.scrollTop < before && node.scrollTop < TOP && !follows.current) {
        reachTop.current();
      }
      before = node.scrollTop;
      setAtEnd(follows.current);
    };
    const observer = new ResizeObserver(() => {
      if (follows.current) {
        node.scrollTop = node.scrollHeight;
      }
    });
    node.addEventListener('scroll', onScroll, { passive: true });
    observer.observe(inner);
    observer.observe(node);
    return () => {
      node.removeEventListener('scroll', onScroll);
      observer.disconnect();
    };
  }, [scroller, content]);

  const items = virtualizer.getVirtualItems();
  const shown = items.map(item => item.key).join();
  const [drawn, setDrawn] = useState<ReadonlySet<string>>(new Set());
  // A row that comes above what is read is drawn upwards; one that is being written grows downwards.
  virtualizer.shouldAdjustScrollPositionOnItemSizeChange = (
    { key, start, end },
    _,
    { scrollOffset, scrollDirection }
  ) => {
    const offset = scrollOffset ?? 0;
    return start < offset && (!drawn.has(String(key)) || (end <= offset && scrollDirection !== 'backward'));
  };
  useEffect(() => {
    const timer = setTimeout(() => setDrawn(new Set(shown.split(','))), DRAWN);
    return () => clearTimeout(timer);
  }, [shown]);
  useEffect(() => {
    for (const { key, size } of items) {
      if (drawn.has(String(key))) {
        settled.set(String(key), size);
      }
    }
  });

  return {
    items,
    height: virtualizer.getTotalSize(),
    isAtEnd,
    toEnd,
    measure: virtualizer.measureElement,
    atLeast: ({ key }) => (drawn.has(String(key)) ? undefined : settled.get(String(key))),
    onFocus: event => setFocused(keyAround(event.target, keys)),
    onBlur: () => setFocused(null)
  };
}

/** The key of the row a node is in. */
function keyAround(node: EventTarget, keys: readonly string[]): string | null {
  const row = node instanceof Element ? node.closest('[data-index]') : null;
  return row ? (keys[Number(row.getAttribute('data-index'))] ?? null) : null;
}
