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

/** What opens and closes texts and comments: each of the first three itself, the last two each other. */
const MARKS = ['"""', "'''", '`', '/*', '*/'] as const;

/** The parts of code, in order; blank lines between two belong to the second. */
function cut(code: string): readonly string[] {
  const parts: string[] = [];
  let part: string[] = [];
  let lines = 0;
  let marks = MARKS.map(() => 0);
  for (const paragraph of code.split(BETWEEN)) {
    if (part.at(-1) && lines >= LINES && isClosed(marks)) {
      parts.push(part.join('\n'));
      part = [];
      lines = 0;
    }
    part.push(paragraph);
    lines += timesIn(paragraph, '\n') + 1;
    marks = marks.map((times, place) => times + timesIn(paragraph, MARKS[place]));
  }
  return [...parts, part.join('\n')];
}

/** Whether each text and comment that has begun has ended, as far as any language shows. */
function isClosed([double, single, template, opened, closed]: readonly number[]): boolean {
  return opened === closed && [double, single, template].every(times => times % 2 === 0);
}

function timesIn(text: string, mark: string): number {
  return text.split(mark).length - 1;
}
