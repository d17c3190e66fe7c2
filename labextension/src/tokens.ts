/** What other extensions may ask for. */

import { Token } from '@lumino/coreutils';

import type { Rest } from './client/rest';
import type { Host } from './components/host';
import type { OpenThreads } from './store/threads';

/** The threads of this page and the doors to the server. */
export interface IChatSessions {
  readonly host: Host;
  readonly rest: Rest;
  readonly threads: OpenThreads;
}

export const IChatSessions = new Token<IChatSessions>(
  'jupyter_chat_sessions:IChatSessions',
  'The threads that are open in this page, and the doors to the server that keeps them.'
);
