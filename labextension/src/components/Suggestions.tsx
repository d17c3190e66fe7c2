/** The list above the composer of what fits what is typed. The focus stays in the text. */

import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';

import { useHost } from './host';
import type { Suggestion } from './trigger';

export interface SuggestionsProps {
  readonly id: string;
  readonly label: string;
  readonly options: readonly Suggestion[];
  readonly active: number;
  readonly onAim: (index: number) => void;
  readonly onChoose: (option: Suggestion) => void;
}

/** The id of an option, for `aria-activedescendant`. */
export function optionId(id: string, index: number): string {
  return `${id}-${index}`;
}

export function Suggestions({ id, label, options, active, onAim, onChoose }: SuggestionsProps): JSX.Element {
  const { trans } = useHost();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView?.({ block: 'nearest' });
  }, [active]);
  return (
    <>
      <span className="jcs-unseen" role="status">
        {trans._n('%1 suggestion', '%1 suggestions', options.length)}
      </span>
      <ul ref={list} id={id} className="jcs-Suggestions" role="listbox" aria-label={label}>
        {options.map((option, index) => (
          <li
            key={option.key}
            id={optionId(id, index)}
            role="option"
            aria-selected={index === active}
            className="jcs-Suggestion"
            onMouseMove={() => onAim(index)}
            // Not on click: the text would have lost the focus by then.
            onMouseDown={event => {
              event.preventDefault();
              onChoose(option);
            }}
          >
            <span className="jcs-Suggestion-label">{option.label}</span>
            <span className="jcs-Suggestion-detail">{withCode(option.detail)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Words with what stands between backticks as code. */
function withCode(text: string): ReactNode {
  return text.split('`').map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part));
}
