import { describe, expect, test, vi } from 'vitest';

import { blocksOf, codeOf, NO_BLOCKS, renderable } from '../src/markdown/blocks';
import { partsOf } from '../src/markdown/parts';

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

describe('a growing fence', () => {
  const fence = (code: string): readonly string[] => partsOf(`\`\`\`py\n${code}`, code);
  const statements = (count: number): string =>
    Array.from({ length: count }, (_, index) => `def f${index}():\n\n    return [\n\n    ]`).join('\n\n\n');
  const codeIn = (parts: readonly string[]): string => parts.map(part => codeOf(part)).join('\n');

  test('is cut before statements alone, at the same places as it grows, and nothing is lost', () => {
    const code = statements(40);
    const whole = fence(code);
    expect(whole.length).toBeGreaterThan(3);
    expect(codeIn(whole)).toBe(code);
    for (const part of whole.slice(1)) {
      expect(codeOf(part)).toMatch(/^\n\ndef f\d+/);
    }
    for (let end = 0; end < code.length; end += 7) {
      const parts = fence(code.slice(0, end));
      expect(codeIn(parts).trimEnd()).toBe(code.slice(0, end).trimEnd());
      expect(parts.slice(0, -1)).toEqual(whole.slice(0, parts.length - 1));
    }
  });

  test('is not cut inside a text, a comment or a template, nor once it is closed', () => {
    for (const [begin, end] of [
      ['"""', '"""'],
      ["'''", "'''"],
      ['/*', '*/'],
      ['x = `', '`']
    ]) {
      expect(fence(`${begin}\n${statements(40)}\n${end}`)).toHaveLength(1);
    }
    const closed = `\`\`\`py\n${statements(40)}\n\`\`\``;
    expect(partsOf(closed, statements(40))).toEqual([closed]);
  });

  test('has each line looked at a few times, also where nothing lets it be cut', () => {
    const code = `# it\`s open\n${statements(500)}`;
    const split = vi.spyOn(String.prototype, 'split');
    try {
      expect(fence(code)).toHaveLength(1);
      const looked = split.mock.contexts.reduce((sum: number, text) => sum + String(text).length, 0);
      expect(looked).toBeLessThan(code.length * 10);
    } finally {
      split.mockRestore();
    }
  });
});
