/** Values that change outside React, as components read them. */

import { useMemo, useSyncExternalStore } from 'react';

/** Something that has a value and signals its changes. */
export interface Source<T> {
  readonly value: T;
  readonly changed: {
    connect(slot: () => void): boolean;
    disconnect(slot: () => void): boolean;
  };
}

/** The value of a source, followed. */
export function useSource<T>(source: Source<T>): T {
  const subscribe = useMemo(
    () => (listener: () => void) => {
      source.changed.connect(listener);
      return () => void source.changed.disconnect(listener);
    },
    [source]
  );
  return useSyncExternalStore(subscribe, () => source.value);
}
