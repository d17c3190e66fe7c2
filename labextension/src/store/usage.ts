/** What the answers on screen have cost in tokens, and how full the model's memory is. */

import { pathOf } from './lines';
import { endOf } from './turns';
import type { Said } from './view';

export interface Spent {
  readonly input: number;
  readonly output: number;
  /** What the last request and its answer held; `null` where the server did not say. */
  readonly context: number | null;
  /** How much fits; `null` where that is not known. */
  readonly limit: number | null;
  /** In US dollars; `null` unless every answer's is known. */
  readonly cost: number | null;
  /** Whether the sums are of the whole path, not only of what has been read of it. */
  readonly isWhole: boolean;
}

/** Along the path on screen; `null` where no answer counted tokens. */
export function spentIn(said: Said): Spent | null {
  const path = pathOf(said.runs, endOf(said));
  const counted = path.flatMap(run => run.usage ?? []);
  if (counted.length === 0) {
    return null;
  }
  const sum = (of: (usage: (typeof counted)[number]) => number | undefined): number =>
    counted.reduce((total, usage) => total + (of(usage) ?? 0), 0);
  const [newest] = counted;
  return {
    input: sum(usage => usage.input_tokens),
    output: sum(usage => usage.output_tokens),
    context: newest.context_tokens ?? null,
    limit: newest.context_limit ?? null,
    cost: counted.every(usage => usage.cost !== undefined) ? sum(usage => usage.cost) : null,
    isWhole: path.at(-1)?.parent_run_id === null
  };
}
