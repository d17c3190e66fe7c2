/** What a change takes out and puts in, line by line. */

import { useHost } from './host';

export interface DiffProps {
  /** Lines that begin with a blank, `-` or `+`. */
  readonly text: string;
  /** What is changed: a path, or a cell. */
  readonly name: string;
  /** Whether what stands above it says the name already. */
  readonly isNamed?: boolean;
}

export function Diff({ text, name, isNamed = false }: DiffProps): JSX.Element {
  const { trans } = useHost();
  const lines = text === '' ? [] : text.split('\n');
  return (
    <div
      className="jcs-Diff"
      tabIndex={0}
      role="region"
      aria-label={name ? trans.__('Changes to %1', name) : trans.__('Changes')}
    >
      {name && !isNamed && <div className="jcs-Diff-name">{name}</div>}
      <pre>
        {lines.map((line, at) => (
          <Line key={at} line={line} />
        ))}
        {lines.length === 0 && <span className="jcs-quiet">{trans.__('Nothing would change.')}</span>}
      </pre>
    </div>
  );
}

function Line({ line }: { readonly line: string }): JSX.Element {
  const body = `${line.slice(1)}\n`;
  switch (line[0]) {
    case '+':
      return (
        <ins>
          <i aria-hidden="true">+</i>
          {body}
        </ins>
      );
    case '-':
      return (
        <del>
          <i aria-hidden="true">−</i>
          {body}
        </del>
      );
    default:
      return (
        <span>
          <i aria-hidden="true"> </i>
          {body}
        </span>
      );
  }
}
