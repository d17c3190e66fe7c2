/** State that the page itself changes: as rows are laid out, as time passes. */

import { useEffect, useState, useSyncExternalStore } from 'react';

import { beforeFrame } from '../store/frames';

/**
 * A value, and what sets it before the page is drawn again. All that is set so for one drawing, and what a thread has to
 * show in it, is rendered once.
 */
export function useFrameState<T>(first: T): readonly [T, (value: T) => void] {
  const [kept] = useState(() => new Kept(first));
  const value = useSyncExternalStore(kept.subscribe, kept.snapshot);
  useEffect(() => () => kept.forget(), [kept]);
  return [value, kept.set];
}

class Kept<T> {
  private readonly listeners = new Set<() => void>();
  private leave: () => void = () => undefined;

  constructor(private value: T) {}

  readonly snapshot = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly set = (value: T): void => {
    this.forget();
    if (value !== this.value) {
      this.leave = beforeFrame(() => {
        this.value = value;
        this.listeners.forEach(listener => listener());
      });
    }
  };

  /** What was to be set stays unset. */
  forget(): void {
    this.leave();
  }
}
