/**
 * What every component may use of the page it is shown in: words in the reader's language, renderers, addresses.
 */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

export interface Host {
  readonly trans: TranslationBundle;
  readonly rendermime: IRenderMimeRegistry;
  /** An address the server gave, absolute. */
  readonly resolve: (url: string) => string;
  /** The reader's language, for dates and numbers; `undefined` is the browser's. */
  readonly locale: string | undefined;
}

const HostContext = createContext<Host | null>(null);

export const HostProvider = HostContext.Provider;

export function useHost(): Host {
  const host = useContext(HostContext);
  if (host === null) {
    throw new Error('A chat component needs a HostProvider above it.');
  }
  return host;
}
