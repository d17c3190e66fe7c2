/** A thread in a notebook's output; where the server does not have it, what the notebook has saved of it. */

import { useMemo, useSyncExternalStore } from 'react';

import type { ChatActions } from '../components/Chat';
import { useHost } from '../components/host';
import { MessageList } from '../components/MessageList';
import { ThreadView } from '../components/ThreadView';
import type { Shown, Thread } from '../store/thread';
import { viewOf } from './snapshot';
import type { Saved } from './snapshot';

export interface PanelChatProps {
  readonly thread: Thread;
  readonly saved: Saved | null;
}

export function PanelChat({ thread, saved }: PanelChatProps): JSX.Element {
  const shown = useSyncExternalStore(thread.subscribe, thread.snapshot);
  const isAbsent = shown.view.thread === null || (shown.view.seq === 0 && shown.view.pending.length === 0);
  return saved?.turns?.length && isAbsent ? (
    <SavedChat saved={saved} shown={shown} onTry={() => thread.nudge()} />
  ) : (
    <ThreadView thread={thread} />
  );
}

interface SavedChatProps {
  readonly saved: Saved;
  readonly shown: Shown;
  readonly onTry: () => void;
}

/** The conversation as it was saved; it can only be read. */
function SavedChat({ saved, shown, onTry }: SavedChatProps): JSX.Element {
  const { trans } = useHost();
  const { connection, view } = shown;
  const asSaved = useMemo(
    (): Shown => ({
      view: viewOf(saved),
      connection: 'live',
      tries: 0,
      draft: '',
      isLoadingOlder: false,
      files: []
    }),
    [saved]
  );
  const isKnown = view.thread !== null || connection === 'closed';
  return (
    <div className="jcs-Chat">
      <MessageList shown={asSaved} actions={NOTHING} isReadOnly />
      {connection !== 'connecting' && (
        <div className="jcs-Banner jcs-mod-info" role="status">
          {isKnown
            ? trans.__('As saved with the notebook: this server does not have the chat.')
            : trans.__('As saved with the notebook: the chat’s server cannot be reached.')}
          {!isKnown && (
            <button type="button" className="jcs-Link" onClick={onTry}>
              {trans.__('Try now')}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

const nothing = (): void => undefined;
const refuse = (): Promise<never> => Promise.reject(new Error('A saved chat is only read.'));

/** What can be done with a saved chat: it is read. */
const NOTHING: ChatActions = {
  send: nothing,
  submit: nothing,
  along: null,
  branch: nothing,
  look: nothing,
  decide: nothing,
  sendAgain: nothing,
  discard: nothing,
  cancel: nothing,
  regenerate: nothing,
  withdraw: nothing,
  rewrite: nothing,
  run: null,
  write: nothing,
  nudge: nothing,
  loadOlder: nothing,
  dismissNotice: nothing,
  chooseModel: null,
  showRequests: null,
  saveOut: refuse,
  letRead: null,
  restartKernel: refuse
};
