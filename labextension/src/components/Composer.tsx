/**
 * Where a message is written: of Enter and Shift+Enter one sends and the other begins a new line, as it is set. An input
 * method's Enter does neither.
 */

import { stopIcon } from '@jupyterlab/ui-components';
import { useEffect, useRef } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';

import { sendIcon } from '../icons';
import { useHost } from './host';
import { useSource } from './source';

export interface ComposerProps {
  readonly draft: string;
  readonly isRunning: boolean;
  /** Why nothing can be sent; `null` where it can. */
  readonly blocked: string | null;
  /** Changes when the composer should take the focus. */
  readonly focusKey?: unknown;
  readonly onWrite: (draft: string) => void;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
  /** What stands at its foot. */
  readonly children?: ReactNode;
}

export function Composer(props: ComposerProps): JSX.Element {
  const { trans, preferences } = useHost();
  const { sendKey } = useSource(preferences);
  const { draft, isRunning, blocked } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  const isSendable = draft.trim() !== '' && blocked === null;

  useEffect(() => {
    if (props.focusKey !== undefined) {
      area.current?.focus();
    }
  }, [props.focusKey]);

  const send = (): void => {
    if (isSendable) {
      props.onSend(draft.trim());
      props.onWrite('');
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // 229 is what some browsers give for a key the input method took.
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229;
    const isSendKey = event.key === 'Enter' && event.shiftKey === (sendKey === 'Shift+Enter');
    if (isSendKey && !event.altKey && !isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && isRunning && !isComposing) {
      event.preventDefault();
      props.onStop();
    }
  };

  const placeholder =
    blocked ?? (isRunning ? trans.__('Write the next message…') : trans.__('Write a message…'));
  return (
    <div className="jcs-Composer">
      <div className="jcs-Composer-box">
        {/* The hidden copy in ::after gives the text area its height. */}
        <div className="jcs-Composer-text" data-text={draft}>
          <textarea
            ref={area}
            rows={1}
            value={draft}
            placeholder={placeholder}
            aria-label={trans.__('Message')}
            aria-description={
              sendKey === 'Enter'
                ? trans.__('Enter sends, Shift+Enter begins a new line')
                : trans.__('Shift+Enter sends, Enter begins a new line')
            }
            disabled={blocked !== null}
            onChange={event => props.onWrite(event.target.value)}
            onKeyDown={onKeyDown}
          />
        </div>
        {isRunning && (
          <button
            type="button"
            className="jcs-IconButton jcs-Stop"
            title={trans.__('Stop (Escape)')}
            aria-label={trans.__('Stop')}
            onClick={props.onStop}
          >
            <stopIcon.react tag="span" />
          </button>
        )}
        {(!isRunning || isSendable) && (
          <button
            type="button"
            className="jcs-IconButton jcs-Send"
            title={isRunning ? trans.__('Send next (%1)', sendKey) : trans.__('Send (%1)', sendKey)}
            aria-label={trans.__('Send')}
            disabled={!isSendable}
            onClick={send}
          >
            <sendIcon.react tag="span" />
          </button>
        )}
      </div>
      {props.children}
    </div>
  );
}
