/** A chat that follows an open thread. */

import { Clipboard } from '@jupyterlab/apputils';
import { useMemo, useSyncExternalStore } from 'react';

import type { Thread } from '../store/thread';
import { DIRECT } from '../store/turns';
import { alongActionsOf } from './alongActions';
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

/** What can be done with an open thread. */
export function actionsOf(thread: Thread, host: Host): ChatActions {
  const fallback = (): string | null => host.preferences.value.defaultModel || null;
  return {
    send: text => thread.send(text, {}, fallback()),
    submit: text => thread.submit(text, fallback()),
    along: alongActionsOf(thread, host),
    branch: (text, parentRunId, context) =>
      thread.send(text, { parentRunId, ...(context?.length && { context }) }, fallback()),
    chooseModel: () => void askForModel(thread, host),
    showRequests: runIds => void showRequests(thread, runIds, host),
    look: runId => thread.look(runId),
    decide: (runId, decisions) => thread.decide(runId, decisions),
    sendAgain: id => thread.sendAgain(id),
    discard: id => thread.discard(id),
    cancel: () => thread.cancel(),
    regenerate: messageId => thread.regenerate(messageId),
    withdraw: messageId => thread.withdraw(messageId),
    rewrite: (messageId, text) => thread.rewrite(messageId, text),
    run: (code, language) => thread.send(fenced(code, language), { model: DIRECT }),
    write: draft => thread.write(draft),
    copy: text => Clipboard.copyToSystem(text),
    nudge: () => thread.nudge(),
    loadOlder: () => void thread.loadOlder(),
    dismissNotice: () => thread.dismissNotice(),
    saveOut: path => thread.saveOut(path),
    letRead: isLet => thread.letRead(isLet),
    restartKernel: () => thread.restartKernel()
  };
}
