/** What goes along with the next message: parts of the notebook, and files on their way to the thread. Pure. */

import type { ContextItem } from '../protocol';

/** One thing that goes along. */
export interface Along {
  readonly id: string;
  readonly label: string;
  /** `coming`: a file on its way; `failed`: it does not come, and why is said. */
  readonly state: 'ready' | 'coming' | 'failed';
  /** What is sent along; `null` while it is no file of the thread yet. */
  readonly item: ContextItem | null;
  /** Bytes that have come, of how many; 0 of 0 where that is not known. */
  readonly come: number;
  readonly size: number;
  readonly refusal: string | null;
}

export type AlongChange =
  | { readonly kind: 'item'; readonly id: string; readonly label: string; readonly item: ContextItem }
  | { readonly kind: 'coming'; readonly id: string; readonly label: string; readonly size: number }
  | { readonly kind: 'progress'; readonly id: string; readonly come: number }
  | { readonly kind: 'arrived'; readonly id: string; readonly item: ContextItem }
  | { readonly kind: 'failed'; readonly id: string; readonly refusal: string }
  | { readonly kind: 'again'; readonly id: string }
  | { readonly kind: 'removed'; readonly id: string };

/** The list after a change. A change of something that was removed meanwhile is passed over. */
export function changedAlong(list: readonly Along[], change: AlongChange): readonly Along[] {
  const alter = (part: Partial<Along>): readonly Along[] =>
    list.map(each => (each.id === change.id ? { ...each, ...part } : each));
  switch (change.kind) {
    case 'item': {
      const { id, label, item } = change;
      const same = nameOf(item);
      const others = list.filter(each => each.item === null || nameOf(each.item) !== same);
      return [...others, { id, label, item, state: 'ready', come: 0, size: 0, refusal: null }];
    }
    case 'coming': {
      const { id, label, size } = change;
      return [...list, { id, label, size, item: null, state: 'coming', come: 0, refusal: null }];
    }
    case 'progress':
      return alter({ come: change.come });
    case 'arrived':
      return alter({ state: 'ready', item: change.item, refusal: null });
    case 'failed':
      return alter({ state: 'failed', refusal: change.refusal });
    case 'again':
      return alter({ state: 'coming', refusal: null });
    case 'removed':
      return list.filter(each => each.id !== change.id);
  }
}

/** What goes along in several threads at once, as one list: each thing is as far as it is in the last of them. */
export function mergedAlong(lists: readonly (readonly Along[])[]): readonly Along[] {
  const merged = new Map<string, Along>();
  for (const each of lists.flat()) {
    const known = merged.get(each.id);
    merged.set(each.id, known === undefined || isBehind(each, known) ? each : known);
  }
  return [...merged.values()];
}

const STATES: readonly Along['state'][] = ['failed', 'coming', 'ready'];

function isBehind(one: Along, other: Along): boolean {
  const [a, b] = [STATES.indexOf(one.state), STATES.indexOf(other.state)];
  return a < b || (a === b && one.come < other.come);
}

/** What is sent with a message: all that is there. */
export function itemsOf(list: readonly Along[]): readonly ContextItem[] {
  return list.flatMap(each => (each.item === null ? [] : [each.item]));
}

/** What makes two items the same thing: to choose it again brings it as it is now. */
function nameOf(item: ContextItem): string {
  const { type, notebook = '', id = '', cell_id: cell = '', name = '', path = '' } = item;
  return [type, notebook, id, cell, name, path, type === 'selection' ? item.text : ''].join('\n');
}

const IMAGE = /\.(?:png|jpe?g|gif|webp)$/i;

/** Whether a file is one that browsers show as an image. */
export function isImage(path: string): boolean {
  return IMAGE.test(path);
}

/** A path as people are shown it: of an attached file, its name. */
export function shownPath(path: string): string {
  return path.replace(/^uploads\/[^/]+\/(?=.)/, '');
}

/** Where an attached file is put: nothing has that name, so nothing is in its way. */
export function uploadPath(id: string, name: string): string {
  // eslint-disable-next-line no-control-regex
  const plain = name.replace(/[/\\\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  const kept = plain.replace(/^[.\s]+/, '').slice(-80) || 'file';
  return `uploads/${id}/${kept}`;
}
