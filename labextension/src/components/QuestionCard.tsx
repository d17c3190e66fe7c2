/** What a run asks a person in words: choices where there are some, and an answer of one's own. */

import { useRef, useState } from 'react';

import type { Decision } from '../protocol';
import { decideOn, isOnItsWay, Refused } from './decision';
import type { DecisionProps } from './decision';
import { useHost } from './host';
import { isSendKey } from './keys';
import { useSource } from './source';

export function QuestionCard(props: DecisionProps): JSX.Element {
  const { trans, preferences } = useHost();
  const { sendKey } = useSource(preferences);
  const [words, write] = useState('');
  const card = useRef<HTMLElement>(null);
  const { approval, deciding } = props;
  const question = approval.interrupts[0];
  const choices = choicesOf(question.arguments?.['choices']);
  const isSending = isOnItsWay(deciding);
  const decide = (decision: Decision): void => decideOn(card, props, new Map([[question.id, decision]]));
  const answer = (text: string): void => {
    if (text.trim()) {
      decide({ approve: true, answer: text.trim() });
    }
  };
  return (
    <section
      ref={card}
      className="jcs-Approval"
      aria-label={trans.__('A question to you')}
      aria-busy={isSending}
    >
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
      <Refused deciding={deciding} />
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
