/** One question, and the answers to it: words, thinking, tool calls. */

import { copyIcon, refreshIcon } from '@jupyterlab/ui-components';
import { memo, useMemo } from 'react';

import { Markdown } from '../markdown/Markdown';
import { sentIcon } from '../icons';
import type { Approval, Content, RunInFlight } from '../protocol';
import { alongOf, textOf, wordsOf } from '../store/turns';
import type { Turn } from '../store/turns';
import type { Deciding } from '../store/view';
import { ApprovalCard } from './Approval';
import { argumentsOf } from './arguments';
import type { ChatActions } from './Chat';
import { Ending } from './Ending';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { isCutOff, isSameCode, piecesOf, recordOf, shownOf } from './pieces';
import type { Call } from './pieces';
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

/** Whether a model had a part in the answer. */
function isByModel({ answers }: Turn): boolean {
  return answers.some(({ message }) => recordOf(message)?.model !== undefined);
}

function TurnBody(props: TurnProps): JSX.Element {
  const { trans } = useHost();
  const { turn, live, isLast, isReadOnly, approval, actions } = props;
  const { run, runs, question, answers } = turn;
  const first = runs[0];
  const asksFor = new Set(approval?.interrupts.map(each => each.toolCallId));
  const pieces = useMemo(() => piecesOf(turn, live), [turn, live]);
  const isOver = run.outcome !== null && approval === null;
  const asked = question && textOf(contentOf(question.message));
  const isEcho = (call: Call): boolean =>
    asked !== null && isSameCode(asked, argumentsOf(call.arguments).code?.text);
  const isModels = isByModel(turn);
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
                  isExplained={!isModels && pieces.slice(place + 1).some(({ text }) => text !== '')}
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
      {isOver && <TurnActions {...props} />}
    </div>
  );
}

/** What can be done with an answer that is over; nothing where nothing was said and it is the only one. */
function TurnActions({ turn, isLast, isReadOnly, actions }: TurnProps): JSX.Element | null {
  const { trans, copy } = useHost();
  const { runs, answers, versions } = turn;
  const { showRequests } = actions;
  const [first] = runs;
  const words = answers.flatMap(({ message }) => (message.role === 'assistant' && message.content) || []);
  if (words.length === 0 && versions.length < 2) {
    return null;
  }
  return (
    <div className="jcs-Turn-actions">
      <Switch
        label={trans.__('Answer')}
        at={versions.indexOf(first.run_id)}
        ids={versions}
        onLook={actions.look}
      />
      <IconButton
        icon={copyIcon}
        label={trans.__('Copy the answer')}
        onClick={() => copy(words.join('\n\n'))}
      />
      {isByModel(turn) && showRequests && (
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
  );
}

/** The entry of this turn among its wordings. */
function wordingOf({ runs, wordings, versions }: Turn): string {
  return wordings.find(each => versions.includes(each)) ?? runs[0].run_id;
}

function contentOf(message: NonNullable<Turn['question']>['message']): Content {
  return message.role === 'user' ? message.content : wordsOf(message);
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
