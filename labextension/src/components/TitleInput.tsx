/** A title being changed: Enter or leaving keeps it, Escape does not. */

import { useEffect, useRef } from 'react';
import type { RefObject } from 'react';

import { focusAfter } from './focus';
import { useHost } from './host';
import { isComposing } from './keys';

export interface TitleInputProps {
  /** Empty where there is none yet. */
  readonly title: string;
  /** What has the focus after a key has ended it. */
  readonly back: RefObject<HTMLElement>;
  /** `null`: nothing is to change. */
  readonly onEnd: (title: string | null) => void;
}

export function TitleInput({ title, back, onEnd }: TitleInputProps): JSX.Element {
  const { trans } = useHost();
  const input = useRef<HTMLInputElement>(null);
  // Escape takes the input away, which leaves it: that must not keep the title after all.
  const isOver = useRef(false);
  const end = (value: string): void => {
    if (!isOver.current) {
      isOver.current = true;
      onEnd(value.trim() === title ? null : value.trim());
    }
  };
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  return (
    <input
      ref={input}
      className="jcs-TitleInput"
      aria-label={trans.__('Title')}
      placeholder={trans.__('Untitled chat')}
      defaultValue={title}
      maxLength={200}
      onBlur={event => end(event.target.value)}
      onKeyDown={event => {
        event.stopPropagation();
        const { value } = event.currentTarget;
        if ((event.key === 'Enter' || event.key === 'Escape') && !isComposing(event)) {
          focusAfter(() => end(event.key === 'Enter' ? value : title), back);
        }
      }}
    />
  );
}
