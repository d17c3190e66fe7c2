/** The turns of a thread, with what waits and what is being sent. It stays at its end unless someone scrolls away. */

import { caretDownIcon } from '@jupyterlab/ui-components';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { runningOf, textOf, turnsOf, waitingOf } from '../store/turns';
import type { Shown } from '../store/thread';
import type { ChatActions } from './Chat';
import { Fence } from './Fence';
import { useHost } from './host';
import { PendingMessage, TurnView, Waiting } from './Message';

export interface MessageListProps {
  readonly shown: Shown;
  readonly actions: ChatActions;
}

/** Within so many pixels of its end, the list follows what comes. */
const NEAR = 48;

export function MessageList({ shown, actions }: MessageListProps): JSX.Element {
  const { trans } = useHost();
  const { view, connection } = shown;
  const { runs, messages, head, withdrawn } = view;
  const turns = useMemo(() => turnsOf({ runs, messages, head }), [runs, messages, head]);
  const waiting = useMemo(() => waitingOf({ runs, messages, withdrawn }), [runs, messages, withdrawn]);
  const { scroller, content, isAtEnd, toEnd } = useFollowing(turns[0]?.run.run_id);

  const newest = view.pending.at(-1)?.id;
  useEffect(() => {
    if (newest !== undefined) {
      toEnd();
    }
  }, [newest, toEnd]);

  return (
    <div className="jcs-Log">
      <div
        ref={scroller}
        className="jcs-Log-scroller"
        role="log"
        aria-label={trans.__('Conversation')}
        aria-busy={runningOf(view) !== null}
        tabIndex={0}
      >
        <div ref={content} className="jcs-Log-content">
          {view.more && (
            <button
              type="button"
              className="jcs-Button jcs-Log-older"
              disabled={shown.isLoadingOlder}
              onClick={actions.loadOlder}
            >
              {shown.isLoadingOlder ? trans.__('Loading…') : trans.__('Show earlier messages')}
            </button>
          )}
          {turns.map((turn, index) => (
            <Fence
              key={turn.run.run_id}
              instead={error => (
                <p className="jcs-Ending">{trans.__('This part cannot be shown: %1', error.message)}</p>
              )}
            >
              <TurnView
                turn={
                  index > 0 && turns[index - 1].question === turn.question
                    ? { ...turn, question: null }
                    : turn
                }
                live={view.live?.run_id === turn.run.run_id ? view.live : null}
                isLast={index === turns.length - 1}
                isReadOnly={view.thread?.read_only ?? false}
                actions={actions}
              />
            </Fence>
          ))}
          {waiting.map(({ message }) => (
            <Waiting
              key={message.id}
              content={message.role === 'user' ? textOf(message.content) : ''}
              onWithdraw={() => actions.withdraw(message.id)}
            />
          ))}
          {view.pending.map(each => (
            <PendingMessage
              key={each.id}
              pending={each}
              isOffline={connection === 'offline'}
              onSendAgain={() => actions.sendAgain(each.id)}
              onDiscard={() => actions.discard(each.id)}
            />
          ))}
        </div>
      </div>
      {!isAtEnd && (
        <button
          type="button"
          className="jcs-IconButton jcs-Log-end"
          title={trans.__('To the newest message')}
          aria-label={trans.__('To the newest message')}
          onClick={toEnd}
        >
          <caretDownIcon.react tag="span" />
        </button>
      )}
    </div>
  );
}

interface Following {
  readonly scroller: React.RefObject<HTMLDivElement>;
  readonly content: React.RefObject<HTMLDivElement>;
  readonly isAtEnd: boolean;
  readonly toEnd: () => void;
}

/** Keeps a list at its end while it grows, and in place where older turns come before `first`. */
function useFollowing(first: string | undefined): Following {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);
  const height = useRef(0);

  const toEnd = useCallback(() => {
    const node = scroller.current;
    if (node) {
      follows.current = true;
      node.scrollTop = node.scrollHeight;
    }
  }, []);

  useEffect(() => {
    const node = scroller.current;
    const inner = content.current;
    if (!node || !inner) {
      return;
    }
    let top = node.scrollTop;
    const onScroll = (): void => {
      // Growth moves the end away, too: only who scrolls up stops following.
      const isNear = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR;
      follows.current = isNear || (follows.current && node.scrollTop >= top);
      top = node.scrollTop;
      setAtEnd(follows.current);
    };
    const observer = new ResizeObserver(() => {
      height.current = node.scrollHeight;
      if (follows.current) {
        node.scrollTop = node.scrollHeight;
      }
    });
    node.addEventListener('scroll', onScroll, { passive: true });
    observer.observe(inner);
    observer.observe(node);
    return () => {
      node.removeEventListener('scroll', onScroll);
      observer.disconnect();
    };
  }, []);

  useLayoutEffect(() => {
    const node = scroller.current;
    if (node && !follows.current && node.scrollTop < NEAR && height.current > 0) {
      node.scrollTop += node.scrollHeight - height.current;
    }
  }, [first]);

  return { scroller, content, isAtEnd, toEnd };
}
