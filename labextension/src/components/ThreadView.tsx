/** A chat that follows an open thread. */

import { useMemo, useSyncExternalStore } from 'react';

import type { Thread } from '../store/thread';
import { DIRECT } from '../store/turns';
import { visitorsActionsOf } from './actions';
import { Chat } from './Chat';
import type { ChatActions } from './Chat';
import { fenced } from './Code';
import { askForModel, showRequests } from './dialogs';
import { useHost } from './host';
import type { Host } from './host';

export interface ThreadViewProps {
  readonly thread: Thread;
  readonly focusKey?: unknown;
  readonly isProvisional?: boolean;
}

export function ThreadView({ thread, focusKey, isProvisional }: ThreadViewProps): JSX.Element {
  const shown = useSyncExternalStore(thread.subscribe, thread.snapshot);
  const host = useHost();
  const actions = useMemo(() => actionsOf(thread, host), [thread, host]);
  return (
    <Chat shown={shown} actions={actions} named={thread} focusKey={focusKey} isProvisional={isProvisional} />
  );
}

/** What its owner can do with an open thread. */
export function actionsOf(thread: Thread, host: Host): ChatActions {
  return {
    ...visitorsActionsOf(thread, host),
    chooseModel: () => void askForModel(thread, host),
    showRequests: runIds => void showRequests(thread, runIds, host),
    run: (code, language) => thread.send(fenced(code, language), { model: DIRECT }),
    letRead: isLet => thread.letRead(isLet)
  };
}
