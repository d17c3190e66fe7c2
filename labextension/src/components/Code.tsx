/** Code with what can be done with it: copied, or put into the notebook. */

import { addBelowIcon, checkIcon, copyIcon } from '@jupyterlab/ui-components';
import { useEffect, useState } from 'react';

import { Rendered } from '../markdown/Rendered';
import { useHost } from './host';

/** Milliseconds a copy is confirmed. */
const CONFIRMED = 1500;

export interface CodeProps {
  readonly text: string;
  /** As a fence names it; empty where it is not known. */
  readonly language: string;
}

/** Highlighted code. */
export function Code({ text, language }: CodeProps): JSX.Element {
  return (
    <CodeBlock text={text}>
      <Rendered mimeType="text/markdown" value={fenced(text, language)} />
    </CodeBlock>
  );
}

export interface CodeBlockProps {
  /** What is copied and inserted. */
  readonly text: string;
  readonly children: React.ReactNode;
}

/** A frame around code that is shown already, with its buttons. */
export function CodeBlock({ text, children }: CodeBlockProps): JSX.Element {
  const { trans, copy, insertBelow } = useHost();
  const [isCopied, confirm] = useState(false);
  useEffect(() => {
    if (!isCopied) {
      return;
    }
    const timer = setTimeout(() => confirm(false), CONFIRMED);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const Copied = isCopied ? checkIcon : copyIcon;
  const copying = isCopied ? trans.__('Copied') : trans.__('Copy the code');
  return (
    <div className="jcs-Code">
      {children}
      <div className="jcs-Code-actions">
        <button
          type="button"
          className="jcs-IconButton"
          title={copying}
          aria-label={copying}
          onClick={() => {
            copy(text);
            confirm(true);
          }}
        >
          <Copied.react tag="span" />
        </button>
        {insertBelow && (
          <button
            type="button"
            className="jcs-IconButton"
            title={trans.__('Insert below the active cell')}
            aria-label={trans.__('Insert below the active cell')}
            onClick={() => insertBelow(text)}
          >
            <addBelowIcon.react tag="span" />
          </button>
        )}
      </div>
    </div>
  );
}

/** Code as Markdown writes it, whatever backticks are in it. */
export function fenced(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map(ticks => ticks.length + 1)));
  return `${fence}${language}\n${text}\n${fence}`;
}
