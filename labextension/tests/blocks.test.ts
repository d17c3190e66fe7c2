import { describe, expect, test } from 'vitest';

import { blocksOf, NO_BLOCKS, renderable } from '../src/markdown/blocks';

const TEXT = [
  '# Title',
  '',
  'Words with `code` and a [link][1].',
  '',
  '1. one',
  '',
  '2. two',
  '',
  '$$',
  'a = b',
  '',
  'c = d',
  '$$',
  '',
  '<details><summary>More</summary>',
  '',
  'inside',
  '',
  '</details>',
  '',
  '```python',
  'x = "$$"',
  '',
  '# not a title',
  '```',
  '',
  '| a | b |',
  '|---|---|',
  '| 1 | 2 |',
  '',
  '[1]: https://jupyter.org',
  '',
  'The end.'
].join('\n');

describe('blocks', () => {
  test('joined are the text, whatever its line ends', () => {
    for (const text of [TEXT, TEXT.replaceAll('\n', '\r\n'), '', '\n\n', ' x', TEXT.slice(0, 200)]) {
      expect(blocksOf(text).sources.join('')).toBe(text);
    }
  });

  test('keep together a list, a formula, an element and code with blank lines in them', () => {
    const sources = renderable(blocksOf(TEXT));
    expect(sources).toContain('1. one\n\n2. two');
    expect(sources).toContain('$$\na = b\n\nc = d\n$$');
    expect(sources.some(source => source.startsWith('<details>') && source.endsWith('</details>'))).toBe(
      true
    );
    expect(sources).toContain('```python\nx = "$$"\n\n# not a title\n```');
    expect(sources).toContain('The end.');
  });

  test('grown piece by piece are those of the whole text', () => {
    for (const step of [1, 3, 17]) {
      let blocks = NO_BLOCKS;
      for (let end = 0; end <= TEXT.length + step; end += step) {
        blocks = blocksOf(TEXT.slice(0, end), blocks);
      }
      expect(renderable(blocks), `in steps of ${step}`).toEqual(renderable(blocksOf(TEXT)));
    }
  });

  test('that are closed are not lexed again: growing costs what the tail costs', () => {
    const paragraph = 'Some words that are a paragraph of their own.\n\n';
    let blocks = blocksOf(paragraph.repeat(1000));
    const closed = blocks.sources[500];
    const before = blocks.sources;
    blocks = blocksOf(blocks.text + 'x', blocks);
    expect(blocks.sources.slice(0, 998)).toEqual(before.slice(0, 998));
    expect(blocks.sources[500]).toBe(closed);
  });

  test('get the link definitions they may use, wherever those stand', () => {
    const words = renderable(blocksOf(TEXT)).find(source => source.startsWith('Words'));
    expect(words).toBe('Words with `code` and a [link][1].\n\n[1]: https://jupyter.org');
  });

  test('of another text start anew', () => {
    expect(blocksOf('other', blocksOf(TEXT)).sources).toEqual(['other']);
  });
});
