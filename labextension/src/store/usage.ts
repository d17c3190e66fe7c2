/** What the answers on screen have cost in tokens, and how full the model's memory is. */

import { pathOf } from './lines';
import { endOf } from './turns';
import type { View } from './view';

export interface Spent {
  readonly input: number;
  readonly output: number;
  /** What the last request and its answer held; `null` where the server did not say. */
  readonly context: number | null;
  /** How much fits; `null` where that is not known. */
  readonly limit: number | null;
  /** In US dollars; `null` unless every answer's is known. */
  readonly cost: number | null;
}

/** Along the path on screen; `null` where no answer counted tokens. */
export function spentIn(view: Pick<View, 'runs' | 'pending' | 'tip' | 'head'>): Spent | null {
  const counted = pathOf(view.runs, endOf(view)).flatMap(run => run.usage ?? []);
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
    cost: counted.every(usage => usage.cost !== undefined) ? sum(usage => usage.cost) : null
  };
}
