/**
 * Where a message is written: of Enter and Shift+Enter one sends and the other begins a new line, as it is set. An input
 * method's Enter does neither. `/` offers commands, `@` what can go along; files are dropped, pasted or picked.
 */

import { stopIcon } from '@jupyterlab/ui-components';
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { ClipboardEvent, KeyboardEvent, ReactNode } from 'react';

import { sendIcon } from '../icons';
import type { Along } from '../store/along';
import type { AlongActions } from './alongActions';
import { AlongChips } from './AlongChips';
import { AttachButton } from './AttachButton';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { isComposing, isSendKey } from './keys';
import { useSource } from './source';
import { sized } from './time';
import { optionId, Suggestions } from './Suggestions';
import { replaced } from './trigger';
import type { Suggestion, Trigger } from './trigger';
import { useSuggestions } from './useSuggestions';

export interface ComposerProps {
  readonly draft: string;
  readonly isRunning: boolean;
  /** Why nothing can be sent; `null` where it can. */
  readonly blocked: string | null;
  /** The most bytes of a message; absent or `null` where that is not known. */
  readonly most?: number | null;
  /** Changes when the composer should take the focus. */
  readonly focusKey?: unknown;
  readonly onWrite: (draft: string) => void;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
  /** What goes along with the next message. */
  readonly along?: readonly Along[];
  /** What can go along, and be typed after a sign; absent or `null` where nothing can. */
  readonly alongActions?: AlongActions | null;
  /** What stands at its foot. */
  readonly children?: ReactNode;
}

const NOTHING: readonly Along[] = [];

export function Composer(props: ComposerProps): JSX.Element {
  const { trans, preferences, locale } = useHost();
  const { sendKey } = useSource(preferences);
  const { draft, isRunning, blocked, along = NOTHING, alongActions = null } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const [caret, setCaret] = useState<number | null>(null);
  const caretAfter = useRef<number | null>(null);
  const [isHeld, hold] = useState(false);
  const isComing = along.some(each => each.state === 'coming');
  const hasFailed = along.some(each => each.state === 'failed');
  const isTooLong = useMemo(() => isLongerThan(draft, props.most ?? Infinity), [draft, props.most]);
  const isSendable = (draft.trim() !== '' || along.length > 0) && blocked === null && !isTooLong;

  /** Does what a button is for. That may take the button away, so the focus goes to the text. */
  const inText = (act: () => void): void => {
    act();
    area.current?.focus();
  };

  useEffect(() => {
    if (props.focusKey !== undefined) {
      area.current?.focus();
    }
  }, [props.focusKey]);

  useLayoutEffect(() => {
    if (caretAfter.current !== null) {
      area.current?.setSelectionRange(caretAfter.current, caretAfter.current);
      caretAfter.current = null;
    }
  }, [draft]);

  const send = (): void => {
    if (!isSendable || hasFailed) {
      return;
    }
    if (isComing) {
      hold(true);
      return;
    }
    props.onSend(draft.trim() || trans.__('Please look at this.'));
    props.onWrite('');
    setCaret(null);
  };
  useSendWhenThere({ isHeld, isComing, hasFailed }, () => {
    hold(false);
    send();
  });

  const write = (text: string): void => {
    hold(false);
    props.onWrite(text);
  };

  const choose = (option: Suggestion, trigger: Trigger): void => {
    const next = replaced(draft, trigger, trigger.kind === '/' ? `${option.label} ` : '');
    caretAfter.current = next.caret;
    write(next.text);
    setCaret(null);
    if (trigger.kind === '@') {
      alongActions?.choose(option.key);
    }
  };
  const { trigger, options, active, aim, takesKey } = useSuggestions(draft, caret, alongActions, choose);
  const isSuggesting = options.length > 0 && trigger !== null;

  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) {
      return;
    }
    if (takesKey(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (isSendKey(event, sendKey)) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && (isHeld || isRunning)) {
      event.preventDefault();
      hold(false);
      if (!isHeld) {
        props.onStop();
      }
    }
  };
  const onPaste = (event: ClipboardEvent): void => {
    const files = [...event.clipboardData.files];
    // What offices copy comes as words and as a picture of them: the words are meant.
    if (alongActions && files.length > 0 && !event.clipboardData.getData('text/plain')) {
      event.preventDefault();
      alongActions.upload(files);
    }
  };

  const placeholder = blocked ?? (isRunning ? trans.__('Next message…') : trans.__('Write a message…'));
  return (
    <div className="jcs-Composer">
      {isSuggesting && (
        <Suggestions
          id={listId}
          label={trigger.kind === '/' ? trans.__('Commands') : trans.__('What can go along')}
          options={options}
          active={active}
          onAim={aim}
          onChoose={option => choose(option, trigger)}
        />
      )}
      <div className="jcs-Composer-frame">
        {along.length > 0 && alongActions && (
          <AlongChips
            along={along}
            onRemove={id => inText(() => alongActions.remove(id))}
            onRetry={id => inText(() => alongActions.retry(id))}
          />
        )}
        <div className="jcs-Composer-box">
          {alongActions && <AttachButton isDisabled={blocked !== null} onFiles={alongActions.upload} />}
          {/* The hidden copy in ::after gives the text area its height. */}
          <div className="jcs-Composer-text" data-text={draft}>
            <textarea
              ref={area}
              rows={1}
              value={draft}
              placeholder={placeholder}
              aria-label={trans.__('Message')}
              aria-description={
                (sendKey === 'Enter'
                  ? trans.__('Enter sends, Shift+Enter begins a new line')
                  : trans.__('Shift+Enter sends, Enter begins a new line')) +
                (alongActions ? `. ${trans.__('/ offers commands, @ what can go along')}` : '')
              }
              aria-autocomplete={alongActions ? 'list' : undefined}
              aria-haspopup={alongActions ? 'listbox' : undefined}
              aria-controls={isSuggesting ? listId : undefined}
              aria-activedescendant={isSuggesting ? optionId(listId, active) : undefined}
              disabled={blocked !== null}
              onChange={event => {
                write(event.target.value);
                setCaret(event.target.selectionStart);
              }}
              onSelect={event => {
                // Only while something is typed there: to come back to a word is not to type it.
                const { selectionStart, selectionEnd } = event.currentTarget;
                setCaret(known =>
                  known === null || selectionStart !== selectionEnd ? null : selectionStart
                );
              }}
              onBlur={() => setCaret(null)}
              onKeyDown={onKeyDown}
              onPaste={onPaste}
            />
          </div>
          {isRunning && (
            <IconButton
              icon={stopIcon}
              className="jcs-Stop"
              label={trans.__('Stop')}
              title={trans.__('Stop (Escape)')}
              onClick={() => inText(props.onStop)}
            />
          )}
          {(!isRunning || isSendable) && (
            <IconButton
              icon={sendIcon}
              className="jcs-Send"
              label={trans.__('Send')}
              title={isRunning ? trans.__('Send next (%1)', sendKey) : trans.__('Send (%1)', sendKey)}
              disabled={!isSendable || hasFailed}
              onClick={() => inText(send)}
            />
          )}
        </div>
      </div>
      {isTooLong && (
        <p className="jcs-Composer-word" role="status">
          {trans.__('This is too long: a message may have at most %1.', sized(props.most ?? 0, locale))}{' '}
          {alongActions && (
            <button
              type="button"
              className="jcs-Link"
              onClick={() =>
                inText(() => {
                  alongActions.upload([new File([draft], 'message.txt', { type: 'text/plain' })]);
                  write('');
                })
              }
            >
              {trans.__('Attach it as a file')}
            </button>
          )}
        </p>
      )}
      {(isHeld || (hasFailed && draft.trim() !== '')) && (
        <p className="jcs-Composer-word" role="status">
          {isHeld
            ? trans.__('Sent as soon as the files are there')
            : trans.__('A file could not be attached: try again, or remove it to send')}
        </p>
      )}
      {props.children}
    </div>
  );
}

/** What the rest of a frame may take: the thread's model, permissions, a few things that go along. */
const BESIDE = 10_000;

/** Whether a text is more than may be sent, as JSON writes it. */
function isLongerThan(text: string, most: number): boolean {
  // A character is six bytes at most: what is short need not be measured at each key.
  return text.length * 6 + BESIDE > most && new Blob([JSON.stringify(text)]).size + BESIDE > most;
}

/** Sends what is held once no file is on its way any more; a file that fails lets it go instead. */
function useSendWhenThere(
  state: { readonly isHeld: boolean; readonly isComing: boolean; readonly hasFailed: boolean },
  onThere: () => void
): void {
  const { isHeld, isComing, hasFailed } = state;
  const then = useRef(onThere);
  useEffect(() => {
    then.current = onThere;
  });
  useEffect(() => {
    if (isHeld && (!isComing || hasFailed)) {
      then.current();
    }
  }, [isHeld, isComing, hasFailed]);
}
