/** One question, and the answers to it: words, thinking, tool calls. */

import { closeIcon, copyIcon, refreshIcon } from '@jupyterlab/ui-components';
import { memo, useMemo } from 'react';

import { Markdown } from '../markdown/Markdown';
import type { CallInFlight, Content, RunInFlight } from '../protocol';
import { resultOf, textOf, wordsOf } from '../store/turns';
import type { Turn } from '../store/turns';
import type { Pending } from '../store/view';
import { argumentsOf } from './arguments';
import type { ChatActions } from './Chat';
import { useHost } from './host';
import { ToolCard } from './ToolCard';

export interface TurnProps {
  readonly turn: Turn;
  /** The run's state in flight; `null` where it is another's or has ended. */
  readonly live: RunInFlight | null;
  readonly isLast: boolean;
  readonly isReadOnly: boolean;
  readonly actions: ChatActions;
}

/** A turn. The same run and question mean the same turn, whatever object holds them. */
export const TurnView = memo(TurnBody, (before, after) => {
  const isSameTurn = before.turn.run === after.turn.run && before.turn.question === after.turn.question;
  const isSameRest =
    before.live === after.live && before.isLast === after.isLast && before.isReadOnly === after.isReadOnly;
  return isSameTurn && isSameRest && before.actions === after.actions;
});

function TurnBody({ turn, live, isLast, isReadOnly, actions }: TurnProps): JSX.Element {
  const { trans } = useHost();
  const { run, question, answers } = turn;
  const pieces = useMemo(() => piecesOf(turn, live), [turn, live]);
  const isOver = run.outcome !== null;
  const words = answers.flatMap(({ message }) => (message.role === 'assistant' && message.content) || []);
  const asked = question && textOf(contentOf(question.message));
  const isEcho = (call: Call): boolean =>
    asked !== null && isSameCode(asked, argumentsOf(call.arguments).code?.text);
  const lastCall = pieces.at(-1)?.calls.at(-1);
  const isThinking = !isOver && pieces.every(piece => piece.calls.length === 0 && !piece.text);
  return (
    <div className="jcs-Turn">
      {asked !== null && <Question content={asked} isCode={pieces.some(piece => piece.calls.some(isEcho))} />}
      {(pieces.length > 0 || !isOver) && (
        <article className="jcs-Answer" aria-label={trans.__('Answer')} aria-busy={!isOver}>
          {pieces.map(piece => (
            <div key={piece.id} className="jcs-Piece">
              {piece.reasoning && (
                <details className="jcs-Reasoning">
                  <summary>{trans.__('Thinking')}</summary>
                  <Markdown text={piece.reasoning} />
                </details>
              )}
              {piece.text && <Markdown text={piece.text} />}
              {piece.calls.map(call => (
                <ToolCard
                  key={call.id}
                  name={call.name}
                  args={call.arguments}
                  live={call.live}
                  status={call.live ? (live?.status ?? '') : ''}
                  result={call.result}
                  isOver={isOver}
                  isStopped={run.outcome === 'cancelled' && call === lastCall}
                  isEcho={isEcho(call)}
                />
              ))}
            </div>
          ))}
          {isThinking && <Working />}
        </article>
      )}
      <Ending turn={turn} isLast={isLast} isReadOnly={isReadOnly} actions={actions} />
      {isOver && words.length > 0 && (
        <div className="jcs-Turn-actions">
          <button
            type="button"
            className="jcs-IconButton"
            title={trans.__('Copy the answer')}
            aria-label={trans.__('Copy the answer')}
            onClick={() => actions.copy(words.join('\n\n'))}
          >
            <copyIcon.react tag="span" />
          </button>
          {isLast && !isReadOnly && run.message_id !== null && (
            <button
              type="button"
              className="jcs-IconButton"
              title={trans.__('Answer again')}
              aria-label={trans.__('Answer again')}
              onClick={() => actions.regenerate(run.message_id ?? '')}
            >
              <refreshIcon.react tag="span" />
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function contentOf(message: NonNullable<Turn['question']>['message']): Content {
  return message.role === 'user' ? message.content : wordsOf(message);
}

/** Whether what was typed is the code that runs, so that it need not be shown twice. */
function isSameCode(typed: string, code: string | undefined): boolean {
  return code !== undefined && typed.replace(/^(?:!|\/(?:run|sh)\s)/, '').trim() === code.trim();
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly live: CallInFlight | null;
  readonly result: ReturnType<typeof resultOf>;
}

/** What one step of an answer shows, under the id of its message. */
interface Piece {
  readonly id: string;
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
}

/** The steps of an answer: those in the transcript, then the one in flight, which keeps its place when its line comes. */
function piecesOf({ run, answers }: Turn, live: RunInFlight | null): readonly Piece[] {
  const inFlight = new Map((live?.tool_calls ?? []).map(call => [call.id, call]));
  const pieces = answers.flatMap(({ message }): Piece[] => {
    if (message.role === 'reasoning') {
      return [{ id: message.id, text: '', reasoning: textOf(message.content), calls: [] }];
    }
    if (message.role !== 'assistant') {
      return [];
    }
    const calls = (message.toolCalls ?? []).map(call => {
      const running = inFlight.get(call.id) ?? null;
      inFlight.delete(call.id);
      return {
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
        live: running,
        result: resultOf(answers, call.id)
      };
    });
    return [{ id: message.id, text: message.content ?? '', reasoning: '', calls }];
  });
  if (!live) {
    return pieces;
  }
  const calls = [...inFlight.values()].map(call => ({ ...call, live: call, result: null }));
  if (live.text || live.reasoning || calls.length > 0) {
    const id = live.message_id ?? `${run.run_id}:next`;
    return [...pieces, { id, text: live.text, reasoning: live.reasoning, calls }];
  }
  return pieces;
}

function Working(): JSX.Element {
  const { trans } = useHost();
  return (
    <div className="jcs-Working" role="status">
      <span className="jcs-unseen">{trans.__('Working…')}</span>
      <i />
      <i />
      <i />
    </div>
  );
}

/** How a turn ended, where it was not well. */
function Ending({ turn, isLast, isReadOnly, actions }: Omit<TurnProps, 'live'>): JSX.Element | null {
  const { trans } = useHost();
  const { outcome, error, message_id: asked } = turn.run;
  if (outcome === null || outcome === 'success') {
    return null;
  }
  if (outcome === 'cancelled') {
    return <p className="jcs-Ending">{trans.__('Stopped')}</p>;
  }
  if (outcome === 'waiting') {
    return <p className="jcs-Ending">{trans.__('Waiting for a decision')}</p>;
  }
  const words =
    outcome === 'interrupted'
      ? trans.__('The answer was interrupted: the server stopped while it was being made.')
      : (error?.message ?? trans.__('The answer failed.'));
  return (
    <div
      className={`jcs-Ending jcs-mod-${outcome}`}
      role="group"
      aria-label={trans.__('The answer is not whole')}
    >
      <p>{words}</p>
      {isLast && !isReadOnly && (
        <span className="jcs-Ending-actions">
          {asked !== null && (
            <button type="button" className="jcs-Button" onClick={() => actions.regenerate(asked)}>
              {trans.__('Retry')}
            </button>
          )}
          {outcome === 'interrupted' && (
            <button
              type="button"
              className="jcs-Button"
              onClick={() => actions.send(trans.__('Please continue.'))}
            >
              {trans.__('Continue')}
            </button>
          )}
        </span>
      )}
    </div>
  );
}

export interface QuestionProps {
  readonly content: string;
  /** Whether it is code that was run as it stands. */
  readonly isCode?: boolean;
}

/** What a person wrote. */
export const Question = memo(function Question({ content, isCode = false }: QuestionProps): JSX.Element {
  const { trans } = useHost();
  return (
    <article className={`jcs-Question${isCode ? ' jcs-mod-code' : ''}`} aria-label={trans.__('You')}>
      <div className="jcs-Question-text">{content}</div>
    </article>
  );
});

export interface WaitingProps {
  readonly content: string;
  readonly onWithdraw: () => void;
}

/** A message that waits behind the one being answered. */
export function Waiting({ content, onWithdraw }: WaitingProps): JSX.Element {
  const { trans } = useHost();
  return (
    <div className="jcs-Turn jcs-mod-waiting">
      <Question content={content} />
      <p className="jcs-Question-state">
        {trans.__('Waiting its turn')}
        <button
          type="button"
          className="jcs-IconButton"
          title={trans.__('Take back')}
          aria-label={trans.__('Take back')}
          onClick={onWithdraw}
        >
          <closeIcon.react tag="span" />
        </button>
      </p>
    </div>
  );
}

export interface PendingProps {
  readonly pending: Pending;
  readonly isOffline: boolean;
  readonly onSendAgain: () => void;
  readonly onDiscard: () => void;
}

/** A message the server has not confirmed. */
export function PendingMessage({ pending, isOffline, onSendAgain, onDiscard }: PendingProps): JSX.Element {
  const { trans } = useHost();
  const { state, refusal } = pending;
  return (
    <div className={`jcs-Turn jcs-mod-${state}`}>
      <Question content={textOf(pending.content)} />
      {state === 'failed' ? (
        <div className="jcs-Question-state jcs-mod-failed" role="alert">
          <span>{trans.__('Not sent: %1', refusal?.message ?? '')}</span>
          <button type="button" className="jcs-Link" onClick={onSendAgain}>
            {trans.__('Send again')}
          </button>
          <button type="button" className="jcs-Link" onClick={onDiscard}>
            {trans.__('Discard')}
          </button>
        </div>
      ) : (
        <p className="jcs-Question-state jcs-mod-late">
          {isOffline ? trans.__('Sent as soon as the server is back') : trans.__('Sending…')}
        </p>
      )}
    </div>
  );
}
