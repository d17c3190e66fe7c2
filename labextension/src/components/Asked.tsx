/** One call on an approval's card: its code highlighted, or being changed. */

import { editIcon } from '@jupyterlab/ui-components';
import { useId, useState } from 'react';

import type { Question } from '../protocol';
import { codeKeyOf, titleOf } from './arguments';
import { Code } from './Code';
import { Diff } from './Diff';
import { useHost } from './host';
import { IconButton } from './IconButton';

/** A call as it stands on the card: perhaps left out, perhaps changed. */
export interface Choice {
  readonly isWanted: boolean;
  readonly code: string | null;
  /** The other arguments as JSON text. */
  readonly others: string;
  /** What is answered, where the call is a question. */
  readonly answer: string;
}

export interface AskedProps {
  readonly question: Question;
  readonly choice: Choice;
  readonly isOne: boolean;
  readonly isSending: boolean;
  readonly onChoose: (choice: Choice) => void;
}

export function Asked({ question, choice, isOne, isSending, onChoose }: AskedProps): JSX.Element {
  const { trans } = useHost();
  const [isEditing, edit] = useState(false);
  const problem = useId();
  const language = codeKeyOf(question.arguments ?? {})?.language ?? '';
  const isWrong = argumentsIn(question, choice) === null;
  const title = titleOf(question.tool ?? '');
  const { shown } = question;
  const isShown = shown?.diff !== undefined || (shown?.code !== undefined && choice.code === null);
  const changed = shown?.path ?? (shown?.cell_id ? trans.__('Cell %1', shown.cell_id) : '');
  const hasOthers = choice.others !== '{}' && !isShown;
  if (isInWords(question)) {
    return (
      <div className="jcs-Asked" role="group" aria-label={title}>
        <p className="jcs-Ask-text">{question.message}</p>
        <textarea
          className="jcs-Approval-note"
          rows={2}
          placeholder={trans.__('Your answer')}
          aria-label={trans.__('Your answer')}
          value={choice.answer}
          disabled={isSending}
          onChange={event => onChoose({ ...choice, answer: event.target.value })}
        />
      </div>
    );
  }
  return (
    <div className={`jcs-Asked${choice.isWanted ? '' : ' jcs-mod-unwanted'}`} role="group" aria-label={title}>
      <div className="jcs-Asked-head">
        {isOne ? (
          <span className="jcs-Asked-name">{language || (isShown ? changed : trans.__('Arguments'))}</span>
        ) : (
          <label>
            <input
              type="checkbox"
              checked={choice.isWanted}
              disabled={isSending}
              onChange={event => onChoose({ ...choice, isWanted: event.target.checked })}
            />
            {title}
          </label>
        )}
        <span className="jcs-spring" />
        <IconButton
          icon={editIcon}
          label={isEditing ? trans.__('Done with editing') : trans.__('Edit before it runs')}
          aria-pressed={isEditing}
          disabled={isSending}
          onClick={() => edit(!isEditing)}
        />
      </div>
      {choice.code !== null &&
        (isEditing ? (
          <textarea
            className="jcs-Asked-code"
            autoFocus
            spellCheck={false}
            rows={Math.min(16, choice.code.split('\n').length + 1)}
            aria-label={trans.__('Code')}
            value={choice.code}
            onChange={event => onChoose({ ...choice, code: event.target.value })}
          />
        ) : (
          <div className="jcs-Tool-code" tabIndex={0} role="region" aria-label={trans.__('Code')}>
            <Code text={choice.code} language={language} />
          </div>
        ))}
      {!isEditing && shown?.diff !== undefined && <Diff text={shown.diff} name={changed} isNamed={isOne} />}
      {!isEditing && isShown && shown?.code !== undefined && (
        <div className="jcs-Tool-code" tabIndex={0} role="region" aria-label={trans.__('Code')}>
          <Code text={shown.code} language={shown.language ?? 'python'} />
        </div>
      )}
      {(hasOthers || (choice.code === null && !isShown) || (isEditing && isShown)) &&
        (isEditing ? (
          <textarea
            className="jcs-Asked-code"
            spellCheck={false}
            rows={Math.min(12, choice.others.split('\n').length + 1)}
            aria-label={trans.__('Arguments')}
            aria-invalid={isWrong}
            aria-describedby={isWrong ? problem : undefined}
            value={choice.others}
            onChange={event => onChoose({ ...choice, others: event.target.value })}
          />
        ) : (
          <pre className="jcs-Tool-args">{choice.others}</pre>
        ))}
      {isWrong && (
        <p id={problem} className="jcs-Tool-error">
          {trans.__('The arguments must be a JSON object.')}
        </p>
      )}
    </div>
  );
}

/** Whether a call asks the person something, to be answered in words. */
export function isInWords(question: Question): boolean {
  return question.reason === 'input_required';
}

/** A call as it was asked for. */
export function choiceOf({ arguments: args = {} }: Question): Choice {
  const code = codeKeyOf(args);
  const others = Object.fromEntries(Object.entries(args).filter(([name]) => name !== code?.key));
  return {
    isWanted: true,
    code: code && (args[code.key] as string),
    others: JSON.stringify(others, null, 2),
    answer: ''
  };
}

/** The arguments as they stand on the card, in their first order; `null` where they are not readable. */
export function argumentsIn(question: Question, choice: Choice | undefined): Record<string, unknown> | null {
  const { arguments: args = {} } = question;
  const code = codeKeyOf(args);
  let others: unknown;
  try {
    others = JSON.parse(choice?.others || '{}');
  } catch {
    return null;
  }
  if (typeof others !== 'object' || others === null || Array.isArray(others)) {
    return null;
  }
  const whole: Record<string, unknown> = { ...others, ...(code && { [code.key]: choice?.code }) };
  const known = Object.keys(args).filter(name => name in whole);
  const added = Object.keys(whole).filter(name => !known.includes(name));
  return Object.fromEntries([...known, ...added].map(name => [name, whole[name]]));
}
