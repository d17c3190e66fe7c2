import { expect, test } from 'vitest';
import { nullTranslator } from '@jupyterlab/translation';

import { CAP, delayBefore } from '../src/client/wire';
import { argumentsOf } from '../src/components/arguments';
import { ago, lasting, sized } from '../src/components/time';
import { chance, newId } from '../src/ids';
import { isChatFile } from '../src/lab/names';

test('ids are random UUIDs in canonical form, made without what plain http lacks', () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  expect(ids.size).toBe(1000);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('chance lies in [0, 1)', () => {
  const values = Array.from({ length: 1000 }, chance);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values)).toBeLessThan(1);
});

test('the first attempt is made at once, later ones wait longer and longer up to the cap, never in step', () => {
  expect(delayBefore(0, 1)).toBe(0);
  expect([1, 2, 3].map(attempt => delayBefore(attempt, 1))).toEqual([500, 1000, 2000]);
  expect(delayBefore(100_000, 1)).toBe(CAP);
  expect(delayBefore(100_000, 0)).toBe(CAP / 2);
});

test.each([
  ['{"code": "print(1)"}', 'print(1)', 'python', ''],
  ['{"command": "ls -l", "timeout": 5}', 'ls -l', 'bash', 'timeout: 5'],
  ['{"path": "a.txt"}', undefined, undefined, 'path: a.txt'],
  ['{"code": "print(\\"a\\")\\nx = ', 'print("a")\nx = ', 'python', ''],
  ['{"code": "tab\\', 'tab', 'python', ''],
  ['{"code": "\\u00e', '', 'python', ''],
  ['{"co', undefined, undefined, ''],
  ['', undefined, undefined, ''],
  ['[1]', undefined, undefined, '0: 1']
])('the arguments %s are read as far as they are written', (json, text, language, others) => {
  const { code, others: rest } = argumentsOf(json);
  expect([code?.text, code?.language, rest]).toEqual([text, language, others]);
});

test('times, durations and sizes are short', () => {
  const trans = nullTranslator.load('x');
  const now = new Date(2026, 10, 21, 14, 30);
  const before = (minutes: number): string => new Date(now.getTime() - minutes * 60_000).toISOString();
  expect(ago(before(0.5), trans, 'en', now)).toBe('now');
  expect(ago(before(5), trans, 'en', now)).toBe('5 min');
  expect(ago(before(120), trans, 'en-GB', now)).toBe('12:30');
  expect(ago(before(60 * 24 * 3), trans, 'en-GB', now)).toBe('18 Nov');
  expect(ago('no time', trans, 'en', now)).toBe('');
  expect([lasting(40, 'en'), lasting(412, 'en'), lasting(12_300, 'en'), lasting(125_000, 'en')]).toEqual([
    '<0.1 sec',
    '0.4 sec',
    '12 sec',
    '2.1 min'
  ]);
  expect([sized(12, 'en'), sized(18_231, 'en'), sized(2_500_000, 'en')]).toEqual([
    '12 bytes',
    '18 kB',
    '2.5 MB'
  ]);
});

test('a chat of JupyterLab’s and a transcript are told by their names', () => {
  expect(['talk.chat', 'chat.jsonl', 'OLD.CHAT', 'chat.json', 'a.ipynb', 'chat'].map(isChatFile)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false
  ]);
});
