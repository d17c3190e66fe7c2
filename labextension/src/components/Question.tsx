/** What a person wrote: answered, waiting its turn, or not confirmed yet. */

import { closeIcon, editIcon } from '@jupyterlab/ui-components';
import { useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';

import type { ContextItem } from '../protocol';
import { textOf } from '../store/turns';
import type { Pending } from '../store/view';
import { SentAlong } from './AlongChips';
import { wordsOf } from './Banner';
import { focusAfter } from './focus';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { isComposing } from './keys';
import { Reachable } from './Reachable';

const NO_ITEMS: readonly ContextItem[] = [];

export interface QuestionProps {
  readonly content: string;
  /** What was sent along. */
  readonly along?: readonly ContextItem[];
  /** Whether it is code that was run as it stands. */
  readonly isCode?: boolean;
  readonly isEditing?: boolean;
  /** Begins or ends changing it; absent where it cannot be changed. */
  readonly onEdit?: (isEdited: boolean) => void;
  /** Sends it in other words. */
  readonly onResend?: (text: string) => void;
  /** What stands below it. */
  readonly children?: ReactNode;
}

export function Question(props: QuestionProps): JSX.Element {
  const { trans } = useHost();
  const { content, along = NO_ITEMS, isCode = false, isEditing = false, onEdit, onResend } = props;
  const editButton = useRef<HTMLButtonElement>(null);
  if (isEditing && onEdit) {
    const end = (text: string | null): void => {
      focusAfter(() => onEdit(false), editButton);
      if (text !== null && text !== content) {
        onResend?.(text);
      }
    };
    return <QuestionEditor content={content} isCode={isCode} onEnd={end} />;
  }
  return (
    <div className="jcs-Asking">
      <div className="jcs-Asking-line">
        {onEdit && (
          <IconButton
            ref={editButton}
            icon={editIcon}
            label={trans.__('Edit the question')}
            title={trans.__('Ask in other words')}
            onClick={() => onEdit(true)}
          />
        )}
        <article className={`jcs-Question${isCode ? ' jcs-mod-code' : ''}`} aria-label={trans.__('You')}>
          <Reachable className="jcs-Question-text" label={trans.__('The whole message')}>
            {withBlocks(content)}
          </Reachable>
          <SentAlong items={along} />
        </article>
      </div>
      {props.children}
    </div>
  );
}

const BLOCK = /^```[^\n`]*\n([\s\S]*?)\n?```[^\S\n]*$/gm;

/** Words as they were typed, with blocks of code set apart. */
function withBlocks(text: string): ReactNode {
  const parts = text.split(BLOCK);
  if (parts.length === 1) {
    return text;
  }
  return parts.map((part, index) =>
    index % 2 ? <pre key={index}>{part}</pre> : part.trim() && <p key={index}>{part.trim()}</p>
  );
}

interface QuestionEditorProps {
  readonly content: string;
  readonly isCode: boolean;
  /** `null`: nothing is to change. */
  readonly onEnd: (text: string | null) => void;
}

/** A question being changed. The one before it stays, with its answer, beside the new one. */
function QuestionEditor({ content, isCode, onEnd }: QuestionEditorProps): JSX.Element {
  const { trans } = useHost();
  const [text, write] = useState(content);
  const isSendable = text.trim() !== '';
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) {
      return;
    }
    if (event.key === 'Escape') {
      event.stopPropagation();
      onEnd(null);
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && isSendable) {
      event.preventDefault();
      event.stopPropagation();
      onEnd(text.trim());
    }
  };
  return (
    <div className={`jcs-Editor${isCode ? ' jcs-mod-code' : ''}`}>
      <textarea
        autoFocus
        rows={Math.min(12, text.split('\n').length + 1)}
        aria-label={trans.__('The question in other words')}
        value={text}
        onChange={event => write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="jcs-Editor-actions">
        <button type="button" className="jcs-Button" onClick={() => onEnd(null)}>
          {trans.__('Cancel')}
        </button>
        <button
          type="button"
          className="jcs-Button jcs-mod-main"
          title={trans.__('Send as a branch beside this one (Ctrl+Enter)')}
          disabled={!isSendable}
          onClick={() => onEnd(text.trim())}
        >
          {trans.__('Send')}
        </button>
      </div>
    </div>
  );
}

export interface WaitingProps {
  readonly content: string;
  readonly along: readonly ContextItem[];
  readonly isEditing: boolean;
  readonly onEdit: (isEdited: boolean) => void;
  readonly onRewrite: (text: string) => void;
  readonly onWithdraw: () => void;
}

/** A message that waits behind the one being answered. */
export function Waiting({
  content,
  along,
  isEditing,
  onEdit,
  onRewrite,
  onWithdraw
}: WaitingProps): JSX.Element {
  const { trans } = useHost();
  return (
    <div className={`jcs-Turn${isEditing ? '' : ' jcs-mod-waiting'}`}>
      <Question content={content} along={along} isEditing={isEditing} onEdit={onEdit} onResend={onRewrite} />
      <p className="jcs-Question-state">
        {trans.__('Waiting its turn')}
        <IconButton icon={closeIcon} label={trans.__('Take back')} onClick={onWithdraw} />
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
      <Question content={textOf(pending.content)} along={pending.options?.context} />
      {state === 'failed' ? (
        <div className="jcs-Question-state jcs-mod-failed" role="alert">
          <span>{trans.__('Not sent: %1', refusal ? wordsOf(refusal, trans) : '')}</span>
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
