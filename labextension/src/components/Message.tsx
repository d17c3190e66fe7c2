/** One question, and the answers to it: words, thinking, tool calls. */

import { copyIcon, refreshIcon } from '@jupyterlab/ui-components';
import { memo, useMemo } from 'react';

import { Markdown } from '../markdown/Markdown';
import { sentIcon } from '../icons';
import type { AnswerRecord, Approval, CallInFlight, Content, Message, RunInFlight } from '../protocol';
import { alongOf, DIRECT, resultOf, textOf, wordsOf } from '../store/turns';
import type { Turn } from '../store/turns';
import type { Deciding } from '../store/view';
import { ApprovalCard } from './Approval';
import { argumentsOf } from './arguments';
import type { ChatActions } from './Chat';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { Question } from './Question';
import { Switch } from './Switch';
import { ToolCard } from './ToolCard';

export interface TurnProps {
  readonly turn: Turn;
  /** The run's state in flight; `null` where it is another's or has ended. */
  readonly live: RunInFlight | null;
  readonly isLast: boolean;
  readonly isReadOnly: boolean;
  /** What its run asks a person; `null` where it asks nothing. */
  readonly approval: Approval | null;
  readonly deciding: Deciding | null;
  /** Whether its question is being changed. */
  readonly isEditing: boolean;
  readonly onEdit: (key: string | null) => void;
  readonly actions: ChatActions;
}

/** What names a turn for as long as it is on screen: the run its answer begins with. */
export function keyOf(turn: Turn): string {
  return turn.runs[0].run_id;
}

/** A turn. The same runs and question mean the same turn, whatever object holds them. */
export const TurnView = memo(TurnBody, (before, after) => {
  const { turn: one, ...rest } = before;
  const { turn: other, ...otherRest } = after;
  const isSameTurn =
    one.question === other.question &&
    isSameList(one.runs, other.runs) &&
    isSameList(one.wordings, other.wordings) &&
    isSameList(one.versions, other.versions);
  return isSameTurn && isSameList(Object.values(rest), Object.values(otherRest));
});

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

function TurnBody(props: TurnProps): JSX.Element {
  const { trans, copy } = useHost();
  const { turn, live, isLast, isReadOnly, approval, actions } = props;
  const { run, runs, question, answers } = turn;
  const { showRequests } = actions;
  const first = runs[0];
  const asksFor = new Set(approval?.interrupts.map(each => each.toolCallId));
  const pieces = useMemo(() => piecesOf(turn, live), [turn, live]);
  const isOver = run.outcome !== null && approval === null;
  const words = answers.flatMap(({ message }) => (message.role === 'assistant' && message.content) || []);
  const isModels = answers.some(({ message }) => recordOf(message)?.model !== undefined);
  const asked = question && textOf(contentOf(question.message));
  const isEcho = (call: Call): boolean =>
    asked !== null && isSameCode(asked, argumentsOf(call.arguments).code?.text);
  const lastCall = pieces.at(-1)?.calls.at(-1);
  const isThinking = !isOver && pieces.every(piece => piece.calls.length === 0 && !piece.text);
  return (
    <div className={`jcs-Turn${isLast ? ' jcs-mod-last' : ''}`}>
      {question !== null && asked !== null && (
        <Question
          content={asked}
          along={alongOf(question.message)}
          isCode={pieces.some(piece => piece.calls.some(isEcho))}
          isEditing={props.isEditing}
          onEdit={
            isReadOnly || first.parent_run_id === undefined
              ? undefined
              : isEdited => props.onEdit(isEdited ? keyOf(turn) : null)
          }
          onResend={text => actions.branch(text, first.parent_run_id ?? null, alongOf(question.message))}
        >
          <Switch
            label={trans.__('Wording')}
            at={turn.wordings.indexOf(wordingOf(turn))}
            ids={turn.wordings}
            onLook={actions.look}
          />
        </Question>
      )}
      {(pieces.length > 0 || !isOver) && (
        <article className="jcs-Answer" aria-label={trans.__('Answer')} aria-busy={!isOver}>
          {pieces.map((piece, place) => (
            <div key={piece.id} className="jcs-Piece">
              {piece.reasoning && (
                <details className="jcs-Reasoning">
                  <summary>{trans.__('Thinking')}</summary>
                  <Markdown text={piece.reasoning} />
                </details>
              )}
              {piece.text && <Markdown text={piece.text} />}
              {shownOf(piece.calls, asksFor).map(call => (
                <ToolCard
                  key={call.id}
                  id={call.id}
                  name={call.name}
                  args={call.arguments}
                  live={call.live}
                  status={call.live ? (live?.status ?? '') : ''}
                  result={call.result}
                  isOver={isOver}
                  since={call.live ? (answers.at(-1) ?? question)?.created : undefined}
                  isRestartTold={isLast}
                  isInterrupted={run.outcome === 'interrupted'}
                  isStopped={run.outcome === 'cancelled' && call === lastCall}
                  isEcho={isEcho(call)}
                  isExplained={
                    run.model === DIRECT && pieces.slice(place + 1).some(({ text }) => text !== '')
                  }
                />
              ))}
            </div>
          ))}
          {approval && (
            <ApprovalCard
              key={approval.run_id}
              approval={approval}
              deciding={props.deciding}
              onDecide={actions.decide}
            />
          )}
          {isThinking && approval === null && <Working />}
        </article>
      )}
      {approval === null && !(run.outcome === 'cancelled' && isCutOff(lastCall)) && (
        <Ending
          turn={turn}
          isTold={isCutOff(lastCall)}
          isLast={isLast}
          isReadOnly={isReadOnly}
          actions={actions}
        />
      )}
      {isOver && (words.length > 0 || turn.versions.length > 1) && (
        <div className="jcs-Turn-actions">
          <Switch
            label={trans.__('Answer')}
            at={turn.versions.indexOf(first.run_id)}
            ids={turn.versions}
            onLook={actions.look}
          />
          <IconButton
            icon={copyIcon}
            label={trans.__('Copy the answer')}
            onClick={() => copy(words.join('\n\n'))}
          />
          {isModels && showRequests && (
            <IconButton
              icon={sentIcon}
              label={trans.__('What was sent to the model')}
              onClick={() => showRequests(runs.map(each => each.run_id))}
            />
          )}
          {isLast && !isReadOnly && first.message_id !== null && (
            <IconButton
              icon={refreshIcon}
              label={trans.__('Answer again')}
              onClick={() => actions.regenerate(first.message_id ?? '')}
            />
          )}
        </div>
      )}
    </div>
  );
}

/** Whether a call was still running when its run was stopped, so that its card says so. */
function isCutOff(call: Call | undefined): boolean {
  return call !== undefined && (call.result === null || call.result.error !== undefined);
}

/** What is kept of who said a message. */
function recordOf(message: Message): AnswerRecord | undefined {
  return message.role === 'assistant' ? message.metadata?.jupyter : undefined;
}

/** The calls that have a card of their own: those a person is asked about are on the approval's. */
function shownOf(calls: readonly Call[], asksFor: ReadonlySet<string | undefined>): readonly Call[] {
  return calls.filter(call => call.result !== null || !asksFor.has(call.id));
}

/** The entry of this turn among its wordings. */
function wordingOf({ runs, wordings, versions }: Turn): string {
  return wordings.find(each => versions.includes(each)) ?? runs[0].run_id;
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
    const reasoning = message.metadata?.jupyter?.reasoning ?? '';
    return [{ id: message.id, text: message.content ?? '', reasoning, calls }];
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
    <div className="jcs-Working">
      <span className="jcs-unseen">{trans.__('Working…')}</span>
      <i />
      <i />
      <i />
    </div>
  );
}

type EndingProps = Pick<TurnProps, 'turn' | 'isLast' | 'isReadOnly' | 'actions'> & {
  /** Whether the card above says how it ended already. */
  readonly isTold: boolean;
};

/** How a turn ended, where it was not well. */
function Ending({ turn, isTold, isLast, isReadOnly, actions }: EndingProps): JSX.Element | null {
  const { trans } = useHost();
  const { outcome, error, isDecided } = turn.run;
  const asked = turn.runs[0].message_id;
  const last = turn.answers.at(-1);
  const cut = last && recordOf(last.message)?.finish;
  if (outcome === null || (outcome === 'success' && !cut)) {
    return null;
  }
  if (outcome === 'cancelled' || (outcome === 'waiting' && isDecided)) {
    return <p className="jcs-Ending">{trans.__('Stopped')}</p>;
  }
  if (outcome === 'waiting') {
    return <p className="jcs-Ending">{trans.__('Waiting for a decision')}</p>;
  }
  const words =
    cut === 'content_filter'
      ? trans.__('The provider cut the answer off: its filter took exception to it.')
      : cut === 'length'
        ? trans.__('The answer is cut off: it reached the longest the model may write.')
        : outcome === 'interrupted'
          ? isTold
            ? trans.__('The server stopped while this was running.')
            : trans.__('The answer was interrupted: the server stopped while it was being made.')
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
          {(outcome === 'interrupted' || cut === 'length') && (
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
