// @vitest-environment jsdom
import { expect, test } from 'vitest';

import { htmlOf, MOST, savedTurns, viewOf } from '../src/notebook/snapshot';
import type { Saved } from '../src/notebook/snapshot';
import { hear } from '../src/store/reducer';
import { turnsOf, wordsOf } from '../src/store/turns';
import { EMPTY } from '../src/store/view';
import type { View } from '../src/store/view';
import { conversation, permission, Server } from './server';

const saved = (view: View): Saved => ({ schema_version: 1, thread_id: 't', turns: savedTurns(view) });
const words = (view: View): string[] =>
  turnsOf(view).flatMap(({ question, answers }) =>
    [...(question ? [question] : []), ...answers].map(({ message }) => wordsOf(message))
  );

test.each([conversation, permission])('what a notebook keeps shows the same turns again', made => {
  const view = hear(EMPTY, made().hello());
  expect(words(viewOf(saved(view)))).toEqual(words(view));
});

test('it keeps the last turns that fit, and no text beyond its size', () => {
  const server = new Server();
  for (let turn = 0; turn < 40; turn += 1) {
    server.ask(`q${turn}`, `r${turn}`);
    server.start(`q${turn}`, `r${turn}`, turn > 0 ? `r${turn - 1}` : null);
    server.say(`a${turn}`, ['x'.repeat(9_000)]);
    server.end();
  }
  const kept = saved(hear(EMPTY, server.hello()));
  expect(JSON.stringify(kept.turns).length).toBeLessThanOrEqual(MOST + 100);
  expect(kept.turns?.length).toBeGreaterThan(5);
  expect(kept.turns?.at(-1)?.question?.id).toBe('q39');
});

test('it keeps no addresses of this server and no images', () => {
  const server = new Server();
  server.ask('q', 'r');
  server.start('q', 'r', null);
  const data = { 'image/png': 'AAAA', 'text/plain': '<Figure>' };
  const metadata = { artifact: 'p.png', url: '/secret/p.png' };
  server.call('a', 'c', 'plot()', [{ output_type: 'display_data', data, metadata }]);
  server.end();
  const text = JSON.stringify(saved(hear(EMPTY, server.hello())));
  expect(text).toContain('p.png');
  expect(text).not.toMatch(/secret|AAAA/);
});

test('as HTML it has no script, whatever was said', () => {
  const server = new Server();
  server.ask('q', 'r', '<script>alert(1)</script>');
  server.start('q', 'r', null);
  server.call('a', 'c', 'print("<b>")', []);
  server.say('b', ['<img src=x onerror=y>']);
  server.end();
  const html = htmlOf({ ...saved(hear(EMPTY, server.hello())), title: 'A & B' });
  const page = new DOMParser().parseFromString(html, 'text/html');
  expect(page.querySelectorAll('script, img, b:not(p > b)')).toHaveLength(0);
  expect(page.body.textContent).toContain('<script>alert(1)</script>');
  expect(page.body.textContent).toContain('print("<b>")');
  expect(page.body.textContent).toContain('A & B');
});
