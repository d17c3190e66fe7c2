/** Tokens of the conversation, and how full the model's memory is. Nothing where nobody counted. */

import type { Spent } from '../store/usage';
import { useHost } from './host';

/** From this share on the memory is nearly full. */
const NEARLY = 0.8;

export interface UsageChipProps {
  readonly spent: Spent | null;
}

export function UsageChip({ spent }: UsageChipProps): JSX.Element | null {
  const { trans, locale } = useHost();
  if (spent === null) {
    return null;
  }
  const { input, output, context, limit, cost, isWhole } = spent;
  const exact = new Intl.NumberFormat(locale);
  const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    maximumFractionDigits: 4
  });
  const share = context !== null && limit ? Math.min(1, context / limit) : null;
  const words = [
    trans.__(
      '%1 tokens read and %2 written in this conversation.',
      exact.format(input),
      exact.format(output)
    ),
    context !== null && limit
      ? trans.__(
          'The last request and its answer took %1 of the %2 tokens that fit. When they are full, the oldest parts are left out.',
          exact.format(context),
          exact.format(limit)
        )
      : '',
    cost === null ? '' : trans.__('It cost %1.', money.format(cost)),
    isWhole ? '' : trans.__('Earlier messages are not counted until they are shown.')
  ];
  const more = isWhole ? '' : '+';
  const meaning = words.filter(Boolean).join(' ');
  return (
    <span className="jcs-Chip jcs-Usage" title={meaning} tabIndex={0} role="group" aria-label={meaning}>
      <span>{trans.__('%1 tokens', short.format(input + output) + more)}</span>
      {cost !== null && <span>{` · ${money.format(cost)}${more}`}</span>}
      {share !== null && (
        <span
          className={`jcs-Gauge${share >= NEARLY ? ' jcs-mod-nearly' : ''}`}
          role="meter"
          aria-label={trans.__('Context used')}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(share * 100)}
        >
          <span style={{ inlineSize: `${share * 100}%` }} />
        </span>
      )}
    </span>
  );
}
