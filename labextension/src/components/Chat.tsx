/** A thread: its conversation, what is to be known about it, and the composer. The same wherever it is shown. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';

import type { ContextItem, Decision } from '../protocol';
import { answering } from '../store/model';
import type { Shown } from '../store/thread';
import { isStoppable, waitingOf } from '../store/turns';
import { spentIn } from '../store/usage';
import type { AlongActions } from './alongActions';
import { Banners } from './Banner';
import { Chip } from './Chip';
import { RunProvider } from './Code';
import type { Run } from './Code';
import { Composer } from './Composer';
import { DropTarget } from './DropTarget';
import { EmptyState } from './EmptyState';
import { FilesStrip } from './Files';
import { useHost } from './host';
import type { Named } from './host';
import { IconButton } from './IconButton';
import { MessageList } from './MessageList';
import { useSource } from './source';
import { useSaid } from './useSaid';

/** What can be done with a thread. One object for the life of the thread. */
export interface ChatActions {
  readonly send: (text: string) => void;
  /** Sends what is in the composer, with what goes along. */
  readonly submit: (text: string) => void;
  /** What can go along; `null` where nothing can. */
  readonly along: AlongActions | null;
  /** Sends a message that follows that run, `null` being the root. */
  readonly branch: (text: string, parentRunId: string | null, context?: readonly ContextItem[]) => void;
  /** Shows the branch through a run. */
  readonly look: (runId: string) => void;
  readonly decide: (runId: string, decisions: ReadonlyMap<string, Decision>) => void;
  readonly sendAgain: (id: string) => void;
  readonly discard: (id: string) => void;
  readonly cancel: () => void;
  readonly regenerate: (messageId: string) => void;
  readonly withdraw: (messageId: string) => void;
  /** Says a waiting message in other words. */
  readonly rewrite: (messageId: string, text: string) => void;
  /** Runs code in the thread's sandbox, as if a person had typed it; `null` where that is not theirs to do. */
  readonly run: Run;
  readonly write: (draft: string) => void;
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
  /** The thread, for what else can be done with it; absent where nothing can. */
  readonly named?: Named;
  /** Changes when the composer should take the focus. */
  readonly focusKey?: unknown;
  /** Whether another thread may still take this one's place, so that it should not greet yet. */
  readonly isProvisional?: boolean;
}

export function Chat({ shown, actions, named, focusKey, isProvisional = false }: ChatProps): JSX.Element {
  const { trans, preferences, openMenu } = useHost();
  const { defaultModel } = useSource(preferences);
  const [started, start] = useState(0);
  const { view, draft } = shown;
  const { along } = actions;
  const blocked = blockedIn(shown, trans);
  const isBlocked = blocked !== null;
  const said = useSaid(view);
  const spent = useMemo(() => spentIn(said), [said]);
  const answerer = useMemo(() => answering(said, defaultModel), [said, defaultModel]);
  const empty =
    isProvisional || view.thread === null ? (
      <div className="jcs-Blank" />
    ) : (
      <EmptyState
        agent={view.agent}
        onConnect={actions.chooseModel}
        onStart={text => {
          actions.write(text);
          start(started + 1);
        }}
      />
    );
  return (
    <DropTarget
      className="jcs-Chat"
      onFiles={along && !isBlocked ? along.upload : null}
      onPaths={paths => along?.takePaths(paths)}
      onCells={cells => along?.takeCells(cells)}
    >
      <ChatBody shown={shown} actions={actions} empty={empty} />
      <Composer
        draft={draft}
        isRunning={isStoppable(view)}
        blocked={blocked}
        most={view.most}
        focusKey={started > 0 ? `${String(focusKey)}:${started}` : focusKey}
        onWrite={actions.write}
        onSend={actions.submit}
        along={shown.along}
        alongActions={along}
        onStop={actions.cancel}
      >
        <Chip
          agent={view.agent}
          level={view.level}
          model={labelOf(shown, answerer)}
          spent={spent}
          onChoose={actions.chooseModel}
          consent={
            actions.letRead && {
              isGiven: view.thread?.reads_notebook ?? false,
              onChange: actions.letRead,
              onRestart: actions.restartKernel
            }
          }
        >
          {openMenu && named && (
            <IconButton
              icon={ellipsesIcon}
              className="jcs-More"
              label={trans.__('Export and more')}
              aria-haspopup="menu"
              onClick={event => openMenu(named, event.currentTarget.getBoundingClientRect())}
            />
          )}
        </Chip>
      </Composer>
    </DropTarget>
  );
}

/** What the chip says instead of who answers by default; `null` where that is who does. `id` is what was said. */
function labelOf({ model, view }: Shown, id: string): string | null {
  if (model !== undefined) {
    return model.label;
  }
  return id === '' || id === view.agent?.id ? null : id;
}

export interface ChatBodyProps {
  readonly shown: Shown;
  readonly actions: ChatActions;
  /** What is shown where nothing has been said. */
  readonly empty: ReactNode;
}

/** A thread without its composer: what was said, its files, and what is to be known about it. */
export function ChatBody({ shown, actions, empty }: ChatBodyProps): JSX.Element {
  const { trans } = useHost();
  const { view } = shown;
  const isEmpty =
    view.runs.size === 0 && view.pending.length === 0 && waitingOf(view).length === 0 && !view.more;
  return (
    <>
      {isEmpty ? (
        empty
      ) : (
        <RunProvider value={blockedIn(shown, trans) === null ? actions.run : null}>
          <MessageList shown={shown} actions={actions} />
        </RunProvider>
      )}
      <FilesStrip files={shown.files} onSave={actions.saveOut} />
      <Banners shown={shown} actions={actions} />
    </>
  );
}

/** Why nothing can be sent to a thread; `null` where it can. */
export function blockedIn({ view, connection }: Shown, trans: TranslationBundle): string | null {
  if (view.closed || connection === 'closed') {
    return trans.__('This chat is closed');
  }
  return view.thread?.read_only ? trans.__('This chat can only be read') : null;
}
