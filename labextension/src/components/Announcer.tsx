/** Says once what came of an answer, to those who hear the page: never its pieces. */

import { useState } from 'react';

import type { Turn } from '../store/turns';
import type { Run } from '../store/view';
import { useHost } from './host';

export interface AnnouncerProps {
  /** The newest turn; `undefined` where nothing has been said. */
  readonly turn: Turn | undefined;
  readonly runs: ReadonlyMap<string, Run>;
}

/** More than this is read where it stands. */
const MOST = 300;

/** A run is announced where it ended while someone was here; what had ended before is not. */
export function Announcer({ turn, runs }: AnnouncerProps): JSX.Element {
  const { trans } = useHost();
  const [before, keep] = useState(runs);
  const [said, say] = useState('');
  if (runs !== before) {
    keep(runs);
    if (turn && turn.run.outcome !== null && !before.get(turn.run.run_id)?.outcome) {
      say(wordsFor(turn));
    }
  }
  return (
    <div className="jcs-unseen" role="status" aria-label={trans.__('Newest answer')}>
      {said}
    </div>
  );

  function wordsFor({ run, answers }: Turn): string {
    if (run.outcome === 'waiting') {
      return trans.__('Your decision is needed.');
    }
    if (run.outcome === 'cancelled') {
      return trans.__('The answer was stopped.');
    }
    if (run.outcome !== 'success') {
      return trans.__('The answer is not whole.');
    }
    const last = answers.at(-1)?.message;
    const words = (last?.role === 'assistant' && last.content) || '';
    return words.length > MOST
      ? trans.__('Answer: %1…', words.slice(0, MOST))
      : words
        ? trans.__('Answer: %1', words)
        : trans.__('The answer is there.');
  }
}
