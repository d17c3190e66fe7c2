/** Links that open chats: `?chat=<thread id>` one, `?compare=<thread id>,<thread id>` several beside each other. */

import type { IRouter, JupyterFrontEnd } from '@jupyterlab/application';

import { freshPanes, MOST_PANES } from '../store/compare';
import type { KeptPane } from '../store/compare';

export const LINK = /[?&](?:chat|compare)(?:=|&|$)/;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a link asks for. */
export interface Linked {
  readonly chat: string | null;
  /** Panes to show; `null` where no comparison is asked for. */
  readonly panes: readonly KeptPane[] | null;
  /** What is left of the address once it has been followed. */
  readonly rest: string;
}

/** What the query of an address asks for; ids that are none are left out. `models=` names the panes' models in order. */
export function linkedIn({
  path,
  search = '',
  hash
}: Pick<IRouter.ILocation, 'path' | 'search' | 'hash'>): Linked {
  const query = new URLSearchParams(search);
  const ids = (name: string): string[] => [
    ...new Set(
      (query.get(name) ?? '')
        .split(',')
        .map(id => id.trim().toLowerCase())
        .filter(id => UUID.test(id))
    )
  ];
  const models = (query.get('models') ?? '').split(',').map(model => model.trim());
  const known = ids('compare').slice(0, MOST_PANES);
  const named = known.map((threadId, place) => ({ threadId, model: models[place] ?? '' }));
  const missing = Array.from({ length: Math.max(0, Math.max(2, models.length) - named.length) });
  const fresh = freshPanes(missing.map((_, place) => models[named.length + place] ?? ''));
  const panes = query.has('compare') ? [...named, ...fresh].slice(0, MOST_PANES) : null;
  const chat = ids('chat')[0] ?? null;
  for (const name of ['chat', 'compare', 'models']) {
    query.delete(name);
  }
  const text = query.toString();
  return { chat, panes, rest: `${path}${text && `?${text}`}${hash}` };
}

/** Milliseconds within which what the address names is opened, too. */
const OPENING = 10_000;

/**
 * Shows what a link asked for once more: the document that the same address names is opened after it, and would cover it.
 * Not after a person has done something.
 */
export function keepInFront({ shell }: JupyterFrontEnd, show: () => void): void {
  const stop = (): void => {
    clearTimeout(timer);
    clearTimeout(beginning);
    shell.currentChanged?.disconnect(again);
    document.removeEventListener('pointerdown', stop, true);
    document.removeEventListener('keydown', stop, true);
  };
  const again = (): void => {
    stop();
    // Whoever changed it is not through yet.
    setTimeout(show);
  };
  const timer = setTimeout(stop, OPENING);
  document.addEventListener('pointerdown', stop, true);
  document.addEventListener('keydown', stop, true);
  const beginning = setTimeout(() => shell.currentChanged?.connect(again));
}
