/** What would change in a cell, line by line. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { diffOf } from '../store/diff';

export interface CellDiffProps {
  readonly trans: TranslationBundle;
  readonly before: string;
  readonly after: string;
}

const SIGN = { same: ' ', gone: '−', new: '+' } as const;

export function CellDiff({ trans, before, after }: CellDiffProps): JSX.Element {
  const lines = diffOf(before, after);
  const count = (kind: 'gone' | 'new'): number => lines.filter(line => line.kind === kind).length;
  const names = { same: '', gone: trans.__('removed'), new: trans.__('added') };
  return (
    <div className="jcs-CellDiff">
      <p>
        {trans.__('%1 lines added, %2 removed. Undo in the cell takes it back.', count('new'), count('gone'))}
      </p>
      <pre tabIndex={0} aria-label={trans.__('Changes')}>
        {lines.map((line, index) => (
          <span key={index} className={`jcs-CellDiff-line jcs-mod-${line.kind}`}>
            <span aria-hidden>{SIGN[line.kind]} </span>
            {names[line.kind] && <span className="jcs-unseen">{`${names[line.kind]}: `}</span>}
            {line.text}
            {'\n'}
          </span>
        ))}
      </pre>
    </div>
  );
}
