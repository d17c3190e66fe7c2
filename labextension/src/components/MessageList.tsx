/**
 * The turns of a thread, with what waits and what is being sent. Only what is near the eye is in the page.
 *
 * The list stays at its end unless someone scrolls away, keeps its place when older turns come before it, and never
 * moves the focus.
 */

import { caretDownIcon } from '@jupyterlab/ui-components';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { alongOf, endOf, runningOf, textOf, turnsTo, waitingOf } from '../store/turns';
import type { Turn } from '../store/turns';
import type { Shown } from '../store/thread';
import type { Kept, Pending } from '../store/view';
import { Announcer } from './Announcer';
import type { ChatActions } from './Chat';
import { Fence } from './Fence';
import { FoldsProvider } from './folds';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { keyOf, TurnView } from './Message';
import { PendingMessage, Waiting } from './Question';
import { useRows } from './rows';

export interface MessageListProps {
  readonly shown: Shown;
  readonly actions: ChatActions;
  /** Whether it can only be read, whatever the thread says. */
  readonly isReadOnly?: boolean;
}

/** Something in the list, under a key that stays. */
type Row =
  | { readonly kind: 'turn'; readonly key: string; readonly turn: Turn; readonly isLast: boolean }
  | { readonly kind: 'waiting'; readonly key: string; readonly kept: Kept }
  | { readonly kind: 'pending'; readonly key: string; readonly pending: Pending };

/** The height of what asks for older messages, in pixels. */
const OLDER = 36;

export function MessageList({ shown, actions, isReadOnly = false }: MessageListProps): JSX.Element {
  const { trans } = useHost();
  const { view } = shown;
  const [folds] = useState(() => new Map<string, boolean>());
  const [editing, edit] = useState<string | null>(null);
  const rows = useRowsOf(shown);
  const keys = useMemo(() => rows.map(each => each.key), [rows]);
  // What is being changed or answered keeps its place in the page, so that nothing typed is lost.
  const pinned = useMemo(
    () =>
      new Set([
        ...rows.flatMap(each => (each.kind === 'turn' && each.isLast ? [each.key] : [])),
        ...(editing === null ? [] : [editing])
      ]),
    [rows, editing]
  );
  const onTop = useCallback(() => {
    if (view.more && !shown.isLoadingOlder) {
      actions.loadOlder();
    }
  }, [view.more, shown.isLoadingOlder, actions]);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const list = useRows({ scroller, content, top: view.more ? OLDER : 0 }, keys, pinned, onTop);
  const { toEnd } = list;

  const newest = view.pending.at(-1)?.id;
  useEffect(() => {
    if (newest !== undefined) {
      toEnd();
    }
  }, [newest, toEnd]);

  const show = (row: Row): JSX.Element => {
    switch (row.kind) {
      case 'turn': {
        const { run } = row.turn;
        return (
          <TurnView
            turn={row.turn}
            live={view.live?.run_id === run.run_id ? view.live : null}
            isLast={row.isLast}
            isReadOnly={isReadOnly || (view.thread?.read_only ?? false)}
            approval={view.approvals.find(each => each.run_id === run.run_id) ?? null}
            deciding={view.deciding?.run_id === run.run_id ? view.deciding : null}
            isEditing={editing === row.key}
            onEdit={edit}
            actions={actions}
          />
        );
      }
      case 'waiting': {
        const { message } = row.kept;
        const content = message.role === 'user' ? textOf(message.content) : '';
        return (
          <Waiting
            content={content}
            along={alongOf(message)}
            isEditing={editing === row.key}
            onEdit={isEdited => edit(isEdited ? row.key : null)}
            onRewrite={text => actions.rewrite(message.id, text)}
            onWithdraw={() => actions.withdraw(message.id)}
          />
        );
      }
      case 'pending':
        return (
          <PendingMessage
            pending={row.pending}
            isOffline={shown.connection === 'offline'}
            onSendAgain={() => actions.sendAgain(row.pending.id)}
            onDiscard={() => actions.discard(row.pending.id)}
          />
        );
    }
  };

  return (
    <FoldsProvider value={folds}>
      <div className="jcs-Log">
        <div
          ref={scroller}
          className="jcs-Log-scroller"
          role="log"
          aria-label={trans.__('Conversation')}
          // The announcer speaks for it: a log would tell every piece.
          aria-live="off"
          aria-busy={runningOf(view) !== null}
          tabIndex={0}
          onFocus={list.onFocus}
          onBlur={list.onBlur}
        >
          <div ref={content} className="jcs-Log-content">
            {view.more && <Older isLoading={shown.isLoadingOlder} onLoad={actions.loadOlder} />}
            {list.items.map(item => (
              <div key={item.key} ref={list.measure} data-index={item.index} className="jcs-Log-row">
                <Fence
                  instead={error => (
                    <p className="jcs-Ending">{trans.__('This part cannot be shown: %1', error.message)}</p>
                  )}
                >
                  {show(rows[item.index])}
                </Fence>
              </div>
            ))}
          </div>
        </div>
        <Announcer key={view.thread?.thread_id} turn={turnAtEnd(rows)} runs={view.runs} />
        {!list.isAtEnd && (
          <IconButton
            icon={caretDownIcon}
            className="jcs-Log-end"
            label={trans.__('To the newest message')}
            onClick={toEnd}
          />
        )}
      </div>
    </FoldsProvider>
  );
}

/** The rows of a thread as it is shown, oldest first. */
function useRowsOf({ view }: Shown): readonly Row[] {
  const { runs, messages, withdrawn, pending, more } = view;
  const end = endOf(view);
  const turns = useMemo(() => {
    const read = turnsTo(end, { runs, messages });
    // The oldest waits for its question, which would move what is read when it comes.
    return more && read.length > 1 && read[0].question === null ? read.slice(1) : read;
  }, [end, runs, messages, more]);
  const waiting = useMemo(() => waitingOf({ runs, messages, withdrawn }), [runs, messages, withdrawn]);
  return useMemo(
    () => [
      ...turns.map((turn, index) => ({
        kind: 'turn' as const,
        key: keyOf(turn),
        // An answer made again to the question before it does not say that question twice.
        turn: index > 0 && turns[index - 1].question === turn.question ? { ...turn, question: null } : turn,
        isLast: index === turns.length - 1
      })),
      ...waiting.map(kept => ({ kind: 'waiting' as const, key: kept.message.id, kept })),
      ...pending.map(each => ({ kind: 'pending' as const, key: each.id, pending: each }))
    ],
    [turns, waiting, pending]
  );
}

function turnAtEnd(rows: readonly Row[]): Turn | undefined {
  for (const row of rows) {
    if (row.kind === 'turn' && row.isLast) {
      return row.turn;
    }
  }
  return undefined;
}

function Older({ isLoading, onLoad }: { isLoading: boolean; onLoad: () => void }): JSX.Element {
  const { trans } = useHost();
  return (
    <div className="jcs-Log-older" style={{ height: OLDER }}>
      <button type="button" className="jcs-Button" disabled={isLoading} onClick={onLoad}>
        {isLoading ? trans.__('Loading…') : trans.__('Show earlier messages')}
      </button>
    </div>
  );
}
