/** What is suggested while someone types, which of it is chosen by the keys, and what they do. */

import { useEffect, useMemo, useState } from 'react';
import type { KeyboardEvent } from 'react';

import { fitting, triggerAt } from './trigger';
import type { Suggestion, Trigger } from './trigger';

/** What can be suggested after each sign; asked for when the sign is typed. */
export interface Suggesting {
  readonly commands: () => Promise<readonly Suggestion[]>;
  /** Shows what is found, perhaps more than once; resolves when that was all. */
  readonly mentions: (show: (found: readonly Suggestion[]) => void) => Promise<void>;
}

export interface Suggested {
  readonly trigger: Trigger | null;
  /** None where nothing fits: then nothing is shown. */
  readonly options: readonly Suggestion[];
  readonly active: number;
  readonly aim: (index: number) => void;
  /** Whether a key was meant for the suggestions. */
  readonly takesKey: (event: KeyboardEvent) => boolean;
}

/** What was found for the sign at one place; `isAll`: nothing more comes. */
interface Found {
  readonly of: string;
  readonly options: readonly Suggestion[];
  readonly isAll: boolean;
}

const NONE: readonly Suggestion[] = [];

export function useSuggestions(
  text: string,
  caret: number | null,
  suggesting: Suggesting | null,
  onChoose: (option: Suggestion, trigger: Trigger) => void
): Suggested {
  const trigger = useMemo(
    () => (suggesting && caret !== null ? triggerAt(text, caret) : null),
    [suggesting, text, caret]
  );
  const { kind = null, query = '', from = -1 } = trigger ?? {};
  const [all, setAll] = useState<Found | null>(null);
  const [aimed, aimAt] = useState<{ readonly of: string; readonly key: string } | null>(null);
  /** What Enter was pressed for before anything was found. */
  const [wanted, want] = useState<string | null>(null);
  const [dismissed, dismiss] = useState<string | null>(null);
  const place = kind === null ? null : `${kind}${from}`;

  useEffect(() => {
    if (kind === null || suggesting === null || place === null) {
      return undefined;
    }
    let isGone = false;
    const show =
      (isAll: boolean) =>
      (found: readonly Suggestion[] | null): void => {
        if (!isGone) {
          setAll(known => ({
            of: place,
            options: found ?? (known?.of === place ? known.options : NONE),
            isAll
          }));
        }
      };
    const found = kind === '/' ? suggesting.commands() : suggesting.mentions(show(false)).then(() => null);
    found.then(show(true), () => show(true)(null)); // Without suggestions what is typed is sent as it is.
    return () => {
      isGone = true;
    };
  }, [kind, place, suggesting]);

  if (place === null && (dismissed !== null || wanted !== null)) {
    dismiss(null);
    want(null);
  }
  const options = useMemo(
    () => (all !== null && all.of === place && dismissed !== place ? fitting(all.options, query) : NONE),
    [all, place, dismissed, query]
  );
  // Whatever is typed next aims at the best again; what is found next leaves the aim where it is.
  const typed = `${place}:${query}`;
  const aim = (index: number): void => aimAt({ of: typed, key: options[index].key });
  const chosen = Math.max(0, aimed?.of === typed ? options.findIndex(each => each.key === aimed.key) : 0);

  useEffect(() => {
    if (wanted === typed && trigger !== null && options.length > 0) {
      onChoose(options[0], trigger);
    }
  }, [wanted, typed, trigger, options, onChoose]);

  const takesKey = (event: KeyboardEvent): boolean => {
    const isAsking = kind === '@' && query !== '' && !(all?.of === place && all.isAll);
    if (trigger === null || event.altKey || event.ctrlKey || event.metaKey) {
      return false;
    }
    if (options.length === 0) {
      const isMeant = isAsking && event.key === 'Enter' && !event.shiftKey;
      if (isMeant) {
        want(typed); // What is meant is about to be offered; it is not sent as it stands.
      }
      return isMeant;
    }
    switch (event.key) {
      case 'ArrowDown':
        aim((chosen + 1) % options.length);
        return true;
      case 'ArrowUp':
        aim((chosen + options.length - 1) % options.length);
        return true;
      case 'Escape':
        dismiss(place);
        return true;
      case 'Tab':
      case 'Enter': {
        // What is typed whole is meant as it is: Enter sends it.
        const isWhole = event.key === 'Enter' && kind === '/' && options[chosen].label === `/${query}`;
        if (event.shiftKey || isWhole) {
          return false;
        }
        onChoose(options[chosen], trigger);
        return true;
      }
      default:
        return false;
    }
  };
  return { trigger, options, active: chosen, aim, takesKey };
}
