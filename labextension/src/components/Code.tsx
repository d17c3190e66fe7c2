/** Code with what can be done with it: copied, put into the notebook, run in the thread's sandbox. */

import {
  addAboveIcon,
  addBelowIcon,
  checkIcon,
  copyIcon,
  editIcon,
  runIcon
} from '@jupyterlab/ui-components';
import { createContext, useContext, useEffect, useState } from 'react';

import { Rendered } from '../markdown/Rendered';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { Reachable } from './Reachable';

/** Milliseconds a copy is confirmed. */
const CONFIRMED = 1500;

/** Runs code in the sandbox of the thread it is shown in; `null` where that cannot be done. */
export type Run = ((code: string, language: string) => void) | null;

const RunContext = createContext<Run>(null);

export const RunProvider = RunContext.Provider;

/** What a thread's sandbox runs, by the names fences give it. */
const RUNNABLE: Readonly<Record<string, string>> = {
  python: 'python',
  python3: 'python',
  py: 'python',
  ipython: 'python',
  ipython3: 'python',
  bash: 'bash',
  sh: 'bash',
  shell: 'bash'
};

export interface CodeProps {
  readonly text: string;
  /** As a fence names it; empty where it is not known. */
  readonly language: string;
}

/** Highlighted code. */
export function Code({ text, language }: CodeProps): JSX.Element {
  return (
    <CodeBlock text={text} language={language}>
      <Rendered mimeType="text/markdown" value={fenced(text, language)} />
    </CodeBlock>
  );
}

export interface CodeBlockProps extends CodeProps {
  readonly children: React.ReactNode;
}

/** A frame around code that is shown already, with its buttons. */
export function CodeBlock({ text, language, children }: CodeBlockProps): JSX.Element {
  const { trans, insertAbove, insertBelow, replace } = useHost();
  const run = useContext(RunContext);
  const runnable = RUNNABLE[language.toLowerCase()];
  return (
    <div className="jcs-Code">
      <Reachable className="jcs-Wide" label={trans.__('Code')}>
        {children}
      </Reachable>
      <div className="jcs-Code-actions" role="group" aria-label={trans.__('Code')}>
        <CopyButton text={text} />
        {insertAbove && (
          <IconButton
            icon={addAboveIcon}
            label={trans.__('Insert above the active cell')}
            onClick={() => insertAbove(text)}
          />
        )}
        {insertBelow && (
          <IconButton
            icon={addBelowIcon}
            label={trans.__('Insert below the active cell')}
            onClick={() => insertBelow(text)}
          />
        )}
        {replace && (
          <IconButton
            icon={editIcon}
            label={trans.__('Replace the active cell…')}
            onClick={() => replace(text)}
          />
        )}
        {run && runnable !== undefined && (
          <IconButton
            icon={runIcon}
            label={trans.__('Run in this chat’s sandbox')}
            onClick={() => run(text, runnable)}
          />
        )}
      </div>
    </div>
  );
}

function CopyButton({ text }: { readonly text: string }): JSX.Element {
  const { trans, copy } = useHost();
  const [isCopied, confirm] = useState(false);
  useEffect(() => {
    if (!isCopied) {
      return;
    }
    const timer = setTimeout(() => confirm(false), CONFIRMED);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      icon={isCopied ? checkIcon : copyIcon}
      label={isCopied ? trans.__('Copied') : trans.__('Copy the code')}
      onClick={() => {
        copy(text);
        confirm(true);
      }}
    />
  );
}

/** Code as Markdown writes it, whatever backticks are in it. */
export function fenced(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map(ticks => ticks.length + 1)));
  return `${fence}${language}\n${text}\n${fence}`;
}
