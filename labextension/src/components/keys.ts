/** What a key means where words are written. */

import type { KeyboardEvent } from 'react';

import type { Preferences } from './host';

/** Whether a key belongs to an input method. 229 is what some browsers give for one that it took. */
export function isComposing({ nativeEvent, keyCode }: KeyboardEvent): boolean {
  return nativeEvent.isComposing || keyCode === 229;
}

/** Whether a key sends what is written: of Enter and Shift+Enter the one that is set. */
export function isSendKey(event: KeyboardEvent, sendKey: Preferences['sendKey']): boolean {
  const isSet = event.key === 'Enter' && event.shiftKey === (sendKey === 'Shift+Enter') && !event.altKey;
  return isSet && !isComposing(event);
}
