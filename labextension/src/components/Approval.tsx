/**
 * What a run asks a person before it goes on: each call with its code, which may be changed, and one answer to them all.
 */

import { memo, useEffect, useRef, useState } from 'react';

import { shieldIcon } from '../icons';
import type { Decision, Level, Question } from '../protocol';
import { titleOf } from './arguments';
import { argumentsIn, Asked, choiceOf, isInWords } from './Asked';
import type { Choice } from './Asked';
import { decideOn, isOnItsWay, Refused } from './decision';
import type { DecisionProps } from './decision';
import { useHost } from './host';
import { QuestionCard } from './QuestionCard';

export const ApprovalCard = memo(function ApprovalCard(props: DecisionProps): JSX.Element {
  const { interrupts } = props.approval;
  const isQuestion = interrupts.length === 1 && isInWords(interrupts[0]);
  return isQuestion ? <QuestionCard {...props} /> : <CallsCard {...props} />;
});

function CallsCard(props: DecisionProps): JSX.Element {
  const { trans } = useHost();
  const { approval, deciding } = props;
  const questions = approval.interrupts;
  const card = useRef<HTMLElement>(null);
  const [choices, choose] = useState<ReadonlyMap<string, Choice>>(
    () => new Map(questions.map(each => [each.id, choiceOf(each)]))
  );
  const [note, setNote] = useState<string | null>(null);
  const isSending = isOnItsWay(deciding);
  const wanted = questions.filter(each => choices.get(each.id)?.isWanted);
  const isReadable = wanted.every(each => argumentsIn(each, choices.get(each.id)) !== null);

  const approve = (always: boolean): void => {
    if (isReadable && wanted.length > 0) {
      decideOn(card, props, approved(questions, choices, always));
    }
  };
  const deny = (): void => {
    const word: Decision = { approve: false, ...(note?.trim() && { note: note.trim() }) };
    decideOn(card, props, new Map(questions.map(each => [each.id, word])));
  };
  useKeys(card, { approve: () => approve(false), deny });

  const one = questions.length === 1 ? questions[0] : null;
  return (
    <section ref={card} className="jcs-Approval" aria-label={trans.__('Your decision')} aria-busy={isSending}>
      <header className="jcs-Approval-head">
        <shieldIcon.react tag="span" />
        <strong>
          {one
            ? trans.__('Allow “%1”?', titleOf(one.tool ?? ''))
            : trans.__('Allow these %1 calls?', questions.length)}
        </strong>
      </header>
      <p className="jcs-Approval-level">
        {questions.some(each => each.visitor) && `${trans.__('A visitor of this chat brought it up.')} `}
        {meaningOf(questions[0], trans)}
      </p>
      {questions.map(question => (
        <Asked
          key={question.id}
          question={question}
          choice={choices.get(question.id) ?? choiceOf(question)}
          isOne={one !== null}
          isSending={isSending}
          onChoose={choice => choose(new Map(choices).set(question.id, choice))}
        />
      ))}
      <Refused deciding={deciding} />
      {note !== null && (
        <textarea
          className="jcs-Approval-note"
          rows={2}
          autoFocus
          placeholder={trans.__('Why not, or what instead (optional)')}
          aria-label={trans.__('Note')}
          value={note}
          disabled={isSending}
          onChange={event => setNote(event.target.value)}
        />
      )}
      <footer className="jcs-Approval-actions">
        <button
          type="button"
          className="jcs-Button jcs-mod-main"
          title={trans.__('Approve (Alt+Enter)')}
          disabled={isSending || !isReadable || wanted.length === 0}
          onClick={() => approve(false)}
        >
          {wanted.length === questions.length
            ? trans.__('Approve')
            : trans.__('Approve %1 of %2', wanted.length, questions.length)}
        </button>
        {wanted.some(each => each.always !== false) && (
          <button
            type="button"
            className="jcs-Button"
            title={trans.__('Approve, and do not ask for this tool in this thread again')}
            disabled={isSending || !isReadable || wanted.length === 0}
            onClick={() => approve(true)}
          >
            {trans.__('Approve for this thread')}
          </button>
        )}
        <button
          type="button"
          className="jcs-Button"
          title={trans.__('Deny (Alt+Backspace)')}
          disabled={isSending}
          onClick={deny}
        >
          {trans.__('Deny')}
        </button>
        <span className="jcs-spring" />
        {note === null && (
          <button type="button" className="jcs-Link" disabled={isSending} onClick={() => setNote('')}>
            {trans.__('Add a note')}
          </button>
        )}
      </footer>
    </section>
  );
}

/** A word on every call: those left out are declined, those changed run as changed. */
function approved(
  questions: readonly Question[],
  choices: ReadonlyMap<string, Choice>,
  always: boolean
): ReadonlyMap<string, Decision> {
  return new Map(
    questions.map((question): [string, Decision] => {
      const choice = choices.get(question.id);
      if (!choice?.isWanted) {
        return [question.id, { approve: false }];
      }
      if (isInWords(question)) {
        const answer = choice.answer.trim();
        return [question.id, answer ? { approve: true, answer } : { approve: false }];
      }
      const args = argumentsIn(question, choice) ?? {};
      const isChanged = JSON.stringify(args) !== JSON.stringify(question.arguments ?? {});
      return [
        question.id,
        { approve: true, ...(always && { always }), ...(isChanged && { arguments: args }) }
      ];
    })
  );
}

/** Tools that act outside the chat's folder, whatever confines the others. */
function meaningOf(question: Question | undefined, trans: ReturnType<typeof useHost>['trans']): string {
  switch (question?.tool) {
    case 'edit_cell':
      return trans.__('It would change your notebook. Where it is open, you can undo that.');
    case 'run_cell':
      return trans.__('It would run in your own kernel, where nothing confines it.');
    case 'list_variables':
    case 'inspect_variable':
      return trans.__('It would look at the variables of your notebook’s kernel.');
    case 'read_notebook':
      return trans.__('It would read your notebook with its outputs, and tell of them in this chat.');
    case 'import_file':
      return trans.__('It would copy a file of yours into this chat’s folder.');
    case 'install_package':
      return trans.__('It would install packages for this chat only.');
    default:
      return confinementOf(question?.level, trans);
  }
}

function confinementOf(level: Level | undefined, trans: ReturnType<typeof useHost>['trans']): string {
  switch (level) {
    case 'isolated':
      return trans.__('It would see only this chat’s folder and have no network.');
    case 'confined':
      return trans.__('It would write only in this chat’s folder.');
    default:
      return trans.__('Nothing confines it: it could read, change and delete whatever you can.');
  }
}

/** Alt+Enter approves and Alt+Backspace denies, wherever in the chat the focus is. */
function useKeys(
  card: React.RefObject<HTMLElement>,
  acts: { readonly approve: () => void; readonly deny: () => void }
): void {
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  useEffect(() => {
    const chat = card.current?.closest<HTMLElement>('.jcs-Chat') ?? card.current;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (!event.altKey || event.ctrlKey || event.metaKey || event.isComposing) {
        return;
      }
      if (event.key === 'Enter') {
        event.preventDefault();
        event.stopPropagation();
        latest.current.approve();
      } else if (event.key === 'Backspace' && !isWriting(event.target)) {
        event.preventDefault();
        event.stopPropagation();
        latest.current.deny();
      }
    };
    chat?.addEventListener('keydown', onKeyDown);
    return () => chat?.removeEventListener('keydown', onKeyDown);
  }, [card]);
}

/** Whether Backspace would take words away, as Option+Backspace does on a Mac. */
function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLTextAreaElement && target.value !== '';
}
