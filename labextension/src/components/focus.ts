/** Where the focus goes when what has it leaves the page. */

import type { RefObject } from 'react';
import { flushSync } from 'react-dom';

/** Ends what stood in the place of an element; once that is back, it has the focus. */
export function focusAfter(end: () => void, back: RefObject<HTMLElement>): void {
  flushSync(end);
  back.current?.focus();
}
