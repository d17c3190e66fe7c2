/**
 * Splits a growing fence of code, so that what stands already is not highlighted again with every word.
 *
 * Only a fence that is still open is split, and only where a statement begins after a blank line outside any text or
 * comment: what is highlighted by itself looks as it does in the whole. Once it is closed it is rendered whole.
 */

/** A part has at least so many lines. */
const LINES = 30;

const OPENING = /^ {0,3}(`{3,}|~{3,})[^\n]*\n/;

/** Before blank lines after which a statement begins. */
const BETWEEN = /\n(?=\n+[^\s)\]}])/;

/** What is rendered of a fence that holds `code`: itself, or where it grows, fences whose lines joined are its own. */
export function partsOf(source: string, code: string): readonly string[] {
  const [opening, ticks] = OPENING.exec(source) ?? [];
  if (opening === undefined || source.length > opening.length + code.length + 1) {
    return [source];
  }
  return cut(code).map(part => `${opening}${part}\n${ticks}`);
}

/** The parts of code, in order; blank lines between two belong to the second. */
function cut(code: string): readonly string[] {
  const parts: string[] = [];
  let part: string[] = [];
  for (const paragraph of code.split(BETWEEN)) {
    if (part.length > 0 && part.at(-1) !== '' && isWhole(part.join('\n'))) {
      parts.push(part.join('\n'));
      part = [];
    }
    part.push(paragraph);
  }
  return [...parts, part.join('\n')];
}

/** Whether it is long enough, and each text and comment that begins in it ends there, as far as any language shows. */
function isWhole(text: string): boolean {
  const count = (mark: string): number => text.split(mark).length - 1;
  const isClosed = count('/*') === count('*/') && ['"""', "'''", '`'].every(mark => count(mark) % 2 === 0);
  return count('\n') + 1 >= LINES && isClosed;
}
