/** What a run asks a person in words: choices where there are some, and an answer of one's own. */

import { useState } from 'react';

import type { Approval, Decision } from '../protocol';
import type { Deciding } from '../store/view';
import { wordsOf } from './Banner';
import { useHost } from './host';
import { isSendKey } from './keys';
import { useSource } from './source';

export interface QuestionCardProps {
  readonly approval: Approval;
  readonly deciding: Deciding | null;
  readonly onDecide: (runId: string, decisions: ReadonlyMap<string, Decision>) => void;
}

export function QuestionCard({ approval, deciding, onDecide }: QuestionCardProps): JSX.Element {
  const { trans, preferences } = useHost();
  const { sendKey } = useSource(preferences);
  const [words, write] = useState('');
  const question = approval.interrupts[0];
  const choices = choicesOf(question.arguments?.['choices']);
  const isSending = deciding !== null && deciding.refusal === null;
  const decide = (decision: Decision): void => {
    if (!isSending) {
      onDecide(approval.run_id, new Map([[question.id, decision]]));
    }
  };
  const answer = (text: string): void => {
    if (text.trim()) {
      decide({ approve: true, answer: text.trim() });
    }
  };
  return (
    <section className="jcs-Approval" aria-label={trans.__('A question to you')} aria-busy={isSending}>
      <p className="jcs-Ask-text">{question.message}</p>
      {choices.length > 0 && (
        <div className="jcs-Ask-choices" role="group" aria-label={trans.__('Answers')}>
          {choices.map(choice => (
            <button
              key={choice}
              type="button"
              className="jcs-Button"
              disabled={isSending}
              onClick={() => answer(choice)}
            >
              {choice}
            </button>
          ))}
        </div>
      )}
      {deciding?.refusal && (
        <p className="jcs-Approval-refusal" role="alert">
          {trans.__('The answer did not count: %1', wordsOf(deciding.refusal, trans))}
        </p>
      )}
      <textarea
        className="jcs-Approval-note"
        rows={2}
        placeholder={trans.__('Your answer')}
        aria-label={trans.__('Your answer')}
        value={words}
        disabled={isSending}
        onChange={event => write(event.target.value)}
        onKeyDown={event => {
          if (isSendKey(event, sendKey)) {
            event.preventDefault();
            answer(words);
          }
        }}
      />
      <footer className="jcs-Approval-actions">
        <button
          type="button"
          className="jcs-Button jcs-mod-main"
          disabled={isSending || !words.trim()}
          onClick={() => answer(words)}
        >
          {trans.__('Answer')}
        </button>
        <span className="jcs-spring" />
        <button
          type="button"
          className="jcs-Button"
          disabled={isSending}
          onClick={() => decide({ approve: false })}
        >
          {trans.__('Do not answer')}
        </button>
      </footer>
    </section>
  );
}

function choicesOf(given: unknown): readonly string[] {
  return Array.isArray(given) ? given.filter((each): each is string => typeof each === 'string') : [];
}
