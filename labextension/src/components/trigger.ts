/** What is being typed at the caret: a command after `/`, or something to send along after `@`. Pure. */

export interface Trigger {
  readonly kind: '/' | '@';
  /** What stands between the sign and the caret. */
  readonly query: string;
  /** Where the sign stands, and the caret. */
  readonly from: number;
  readonly to: number;
}

/** The trigger that ends at the caret; `null` where there is none. */
export function triggerAt(text: string, caret: number): Trigger | null {
  const before = text.slice(0, caret);
  const command = /^\s*\/([\w-]*)$/.exec(before);
  if (command) {
    return { kind: '/', query: command[1], from: caret - command[1].length - 1, to: caret };
  }
  // Not after a letter: an address of a person is no mention. Not at a line's beginning followed by words of code.
  const mention = /(?:^|[\s([{,;])@([^\s@()[\]{}]*)$/.exec(before);
  return mention ? { kind: '@', query: mention[1], from: caret - mention[1].length - 1, to: caret } : null;
}

/** Something that can be chosen, as it is filtered. */
export interface Suggestion {
  readonly key: string;
  /** What it is called, and matched by. */
  readonly label: string;
  readonly detail: string;
}

const MOST = 30;

/** Those that fit what is typed, the best first: beginning with it, having a word or a file name that does, having it. */
export function fitting<T extends Suggestion>(all: readonly T[], query: string): readonly T[] {
  const wanted = query.toLowerCase();
  const rank = ({ label }: T): number => {
    const name = label.toLowerCase();
    if (name.startsWith(wanted)) {
      return 0;
    }
    const words = name.split(/[\s/_.-]+/);
    return words.some(word => word.startsWith(wanted)) ? 1 : name.includes(wanted) ? 2 : 3;
  };
  return all
    .map((each, place) => ({ each, place, rank: rank(each) }))
    .filter(found => found.rank < 3)
    .sort((one, other) => one.rank - other.rank || one.place - other.place)
    .slice(0, MOST)
    .map(found => found.each);
}

/** The text with `words` in the place of the trigger, and where the caret is then. */
export function replaced(
  text: string,
  { from, to }: Trigger,
  words: string
): { readonly text: string; readonly caret: number } {
  const rest = text.slice(to);
  const isParted = words === '' || words.endsWith(' ');
  const after = isParted && rest.startsWith(' ') ? rest.slice(1) : rest;
  return { text: text.slice(0, from) + words + after, caret: from + words.length };
}
