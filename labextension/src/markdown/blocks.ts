/**
 * Splits Markdown into blocks that can be rendered one by one, so that a growing answer renders only its last.
 *
 * What must not be torn apart stays together: a formula between `$$`, an HTML element with blank lines in it. Link
 * definitions are added to the blocks that may use them.
 */

import { lexer } from 'marked';

export interface Blocks {
  readonly text: string;
  /** The sources of the blocks; joined they are `text`. */
  readonly sources: readonly string[];
}

export const NO_BLOCKS: Blocks = { text: '', sources: [] };

/**
 * The blocks of `text`. Where it only continues `before`, all but its last two are kept as they are: what follows may
 * still join those ("2" after a list becomes the list's next item).
 */
export function blocksOf(text: string, before: Blocks = NO_BLOCKS): Blocks {
  if (text === before.text) {
    return before;
  }
  const closed = text.startsWith(before.text) ? before.sources.slice(0, -2) : [];
  const rest = text.slice(closed.reduce((length, source) => length + source.length, 0));
  return { text, sources: [...closed, ...split(rest)] };
}

function split(text: string): string[] {
  const sources: string[] = [];
  let open = '';
  let isOpen = false;
  // The lexer normalises line ends, so the pieces are cut from the text itself.
  let rest = text;
  for (const token of lexer(text.replace(/\r\n|\r/g, '\n'))) {
    const raw = cut(rest, token.raw);
    rest = rest.slice(raw.length);
    if (token.type === 'space' && !open && sources.length > 0) {
      sources[sources.length - 1] += raw;
      continue;
    }
    open += raw;
    isOpen = token.type !== 'code' && isUnbalanced(open);
    if (!isOpen && token.type !== 'space') {
      sources.push(open);
      open = '';
    }
  }
  open += rest;
  if (open) {
    sources.push(open);
  }
  return sources;
}

/** The beginning of `text` that says `raw`, whatever its line ends. */
function cut(text: string, raw: string): string {
  if (text.startsWith(raw)) {
    return raw;
  }
  let at = 0;
  for (const char of raw) {
    at += char === '\n' && text.startsWith('\r\n', at) ? 2 : char.length;
  }
  return text.slice(0, at);
}

const ELEMENT = /<(\/?)(details|div|table|section|figure|center|ul|ol|dl)\b[^>]*>/gi;

function isUnbalanced(source: string): boolean {
  const outsideCode = source.replace(/(`+)[\s\S]*?\1/g, '');
  const formulas = outsideCode.split('$$').length - 1;
  let depth = 0;
  for (const [, slash] of outsideCode.matchAll(ELEMENT)) {
    depth += slash ? -1 : 1;
  }
  return formulas % 2 === 1 || depth > 0;
}

const DEFINITION = /^ {0,3}\[[^\]]+\]:[ \t]*\S.*$/gm;

/** What is rendered for each block: its source, with the text's link definitions where it may use one. */
export function renderable(blocks: Blocks): readonly string[] {
  if (!blocks.text.includes(']:')) {
    return blocks.sources.map(source => source.trimEnd());
  }
  const definitions = blocks.sources
    .filter(source => codeOf(source) === null)
    .flatMap(source => source.match(DEFINITION) ?? [])
    .join('\n');
  return blocks.sources.map(source =>
    definitions && codeOf(source) === null && /\[[^\]]+\](?!:)/.test(source)
      ? `${source.trimEnd()}\n\n${definitions}`
      : source.trimEnd()
  );
}

const OPENING = /^ {0,3}(`{3,}|~{3,})[^\n]*(?:\n|$)/;

/** The code in a block that is a fence, closed or still growing; `null` where it is anything else. */
export function codeOf(source: string): string | null {
  const opening = OPENING.exec(source);
  if (!opening) {
    return null;
  }
  const closing = new RegExp(`(?:^|\\n) {0,3}${opening[1]}[\`~]*\\s*$`);
  return source.slice(opening[0].length).replace(closing, '').replace(/\n$/, '');
}

/** The language a fence names; empty where it names none. */
export function languageOf(source: string): string {
  return /^ {0,3}(?:`{3,}|~{3,})[ \t]*\{?\.?([\w+#-]*)/.exec(source)?.[1] ?? '';
}
