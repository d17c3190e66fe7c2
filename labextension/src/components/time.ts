/** Times as people read them. */

import type { TranslationBundle } from '@jupyterlab/translation';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The shortest duration that is told, in milliseconds. */
const SHORTEST = 100;

/** How long ago `iso` was, short: "now", "5 min", "14:03" for today, "3 Mar" before. */
export function ago(iso: string, trans: TranslationBundle, locale?: string, now = new Date()): string {
  const then = new Date(iso);
  const passed = now.getTime() - then.getTime();
  if (Number.isNaN(passed)) {
    return '';
  }
  if (passed < MINUTE) {
    return trans.__('now');
  }
  if (passed < HOUR) {
    return trans.__('%1 min', Math.floor(passed / MINUTE));
  }
  if (passed < DAY && then.getDate() === now.getDate()) {
    return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(then);
  }
  const isThisYear = then.getFullYear() === now.getFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    ...(isThisYear ? {} : { year: 'numeric' })
  }).format(then);
}

/** A duration, short: "<0.1 s", "0.4 s", "12 s", "2 min". */
export function lasting(ms: number, locale?: string): string {
  if (ms < SHORTEST) {
    return `<${lasting(SHORTEST, locale)}`;
  }
  const [value, unit] = ms < 90_000 ? [ms / 1000, 'second'] : [ms / 60_000, 'minute'];
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 ? 1 : 0
  }).format(value);
}

/** A size, short: "18 kB". */
export function sized(bytes: number, locale?: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** power;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[power],
    // Bytes have no short name that counts them.
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && power > 0 ? 1 : 0
  }).format(value);
}
