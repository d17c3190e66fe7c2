/** What a chat shows of all that was said, worked out again only when something else was. */

import { useMemo } from 'react';

import type { Said, View } from '../store/view';

/** What has been said: the same object while pieces of an answer come. */
export function useSaid({ runs, messages, pending, tip, head }: View): Said {
  return useMemo(() => ({ runs, messages, pending, tip, head }), [runs, messages, pending, tip, head]);
}
