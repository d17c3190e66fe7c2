/** Something that is read once, and again when it is asked for. */

import { useEffect, useState } from 'react';

import { reasonOf } from '../client/refusal';

export interface Loaded<T> {
  /** `null` until it has come. */
  readonly value: T | null;
  /** Why it could not be read; "" where it could. */
  readonly failure: string;
  readonly again: () => void;
}

export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [read] = useState(() => load);
  const [times, setTimes] = useState(0);
  const [found, setFound] = useState<Omit<Loaded<T>, 'again'>>({ value: null, failure: '' });
  useEffect(() => {
    let isWanted = true;
    const show = (next: Omit<Loaded<T>, 'again'>): void => {
      if (isWanted) {
        setFound(next);
      }
    };
    read().then(
      value => show({ value, failure: '' }),
      (error: unknown) => show({ value: null, failure: reasonOf(error) })
    );
    return () => {
      isWanted = false;
    };
  }, [read, times]);
  return { ...found, again: () => setTimes(times + 1) };
}
