/** What components may use of the page of a shared thread. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';

import { DEFAULTS } from '../components/host';
import type { Host } from '../components/host';

/** The kinds of data that are shown, the best first. */
const SHOWN = ['text/markdown', 'text/plain', 'text/latex', 'application/json'];

/** The words as they stand in the code: `%1` is the first argument. */
const trans = {
  __: (words: string, ...given: readonly unknown[]) => filled(words, given),
  gettext: (words: string, ...given: readonly unknown[]) => filled(words, given),
  _n: (one: string, many: string, count: number, ...given: readonly unknown[]) =>
    filled(count === 1 ? one : many, [count, ...given])
} as unknown as TranslationBundle;

function filled(words: string, given: readonly unknown[]): string {
  return words.replace(/%(\d)/g, (place, number) => String(given[Number(number) - 1] ?? place));
}

/** A host for a visitor; `resolve` makes the server's addresses theirs. */
export function visitorsHost(resolve: (url: string) => string): Host {
  return {
    trans,
    rendermime: {
      preferredMimeType: (data: Readonly<Record<string, unknown>>) => SHOWN.find(type => type in data)
    } as unknown as IRenderMimeRegistry,
    resolve,
    locale: undefined,
    preferences: { value: DEFAULTS, changed: { connect: () => true, disconnect: () => true } },
    copy: text => void navigator.clipboard?.writeText(text),
    refreshFolder: () => undefined,
    openFile: null,
    notebook: null,
    insertBelow: null,
    insertAbove: null,
    replace: null,
    openMenu: null
  };
}
