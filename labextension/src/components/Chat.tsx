/** A thread: its conversation, what is to be known about it, and the composer. The same wherever it is shown. */

import { useState } from 'react';

import type { Decision } from '../protocol';
import { modelOf } from '../store/model';
import type { Shown } from '../store/thread';
import { isStoppable, waitingOf } from '../store/turns';
import { Banners } from './Banner';
import { Chip } from './Chip';
import { Composer } from './Composer';
import { EmptyState } from './EmptyState';
import { FilesStrip } from './Files';
import { useHost } from './host';
import { MessageList } from './MessageList';
import { useSource } from './source';

/** What can be done with a thread. One object for the life of the thread. */
export interface ChatActions {
  readonly send: (text: string) => void;
  /** Sends a message that follows that run, `null` being the root. */
  readonly branch: (text: string, parentRunId: string | null) => void;
  /** Shows the branch through a run. */
  readonly look: (runId: string) => void;
  readonly decide: (runId: string, decisions: ReadonlyMap<string, Decision>) => void;
  readonly sendAgain: (id: string) => void;
  readonly discard: (id: string) => void;
  readonly cancel: () => void;
  readonly regenerate: (messageId: string) => void;
  readonly withdraw: (messageId: string) => void;
  readonly write: (draft: string) => void;
  readonly copy: (text: string) => void;
  readonly nudge: () => void;
  readonly loadOlder: () => void;
  readonly dismissNotice: () => void;
  /** Asks who is to answer from now on; `null` for those who may not choose. */
  readonly chooseModel: (() => void) | null;
  /** Shows what was sent to a provider in these runs; `null` for those who may not see it. */
  readonly showRequests: ((runIds: readonly string[]) => void) | null;
  /** Copies a file into the notebook's folder; the path it has there. */
  readonly saveOut: (path: string) => Promise<string>;
  /** Lets tools read the notebook's folder, or no longer; `null` where that is not this person's to say. */
  readonly letRead: ((isLet: boolean) => Promise<void>) | null;
  readonly restartKernel: () => Promise<void>;
}

export interface ChatProps {
  readonly shown: Shown;
  readonly actions: ChatActions;
  /** Changes when the composer should take the focus. */
  readonly focusKey?: unknown;
  /** Whether another thread may still take this one's place, so that it should not greet yet. */
  readonly isProvisional?: boolean;
}

export function Chat({ shown, actions, focusKey, isProvisional = false }: ChatProps): JSX.Element {
  const { trans, preferences } = useHost();
  const { defaultModel } = useSource(preferences);
  const [started, start] = useState(0);
  const { view, connection, draft } = shown;
  const isEmpty =
    view.runs.size === 0 && view.pending.length === 0 && waitingOf(view).length === 0 && !view.more;
  const isReadOnly = view.thread?.read_only ?? false;
  const blocked =
    view.closed || connection === 'closed'
      ? trans.__('This chat is closed')
      : isReadOnly
        ? trans.__('This chat can only be read')
        : null;
  return (
    <div className="jcs-Chat">
      {isEmpty && (isProvisional || view.thread === null) ? (
        <div className="jcs-Blank" />
      ) : isEmpty ? (
        <EmptyState
          agent={view.agent}
          onConnect={actions.chooseModel}
          onStart={text => {
            actions.write(text);
            start(started + 1);
          }}
        />
      ) : (
        <MessageList shown={shown} actions={actions} />
      )}
      <FilesStrip files={shown.files} onSave={actions.saveOut} />
      <Banners shown={shown} actions={actions} />
      <Composer
        draft={draft}
        isRunning={isStoppable(view)}
        blocked={blocked}
        focusKey={started > 0 ? `${String(focusKey)}:${started}` : focusKey}
        onWrite={actions.write}
        onSend={actions.send}
        onStop={actions.cancel}
      >
        <Chip
          agent={view.agent}
          level={view.level}
          model={labelOf(shown, defaultModel)}
          onChoose={actions.chooseModel}
          consent={
            actions.letRead && {
              isGiven: view.thread?.reads_notebook ?? false,
              onChange: actions.letRead,
              onRestart: actions.restartKernel
            }
          }
        />
      </Composer>
    </div>
  );
}

/** What the chip says instead of who answers by default; `null` where that is who does. */
function labelOf({ model, view }: Shown, fallback: string): string | null {
  if (model !== undefined) {
    return model.label;
  }
  const said = modelOf(view);
  return said.id ?? (said.isCommanded ? null : fallback || null);
}
