// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';

import { Announcer } from '../src/components/Announcer';
import type { Turn } from '../src/store/turns';
import { shownIn } from './host';

afterEach(cleanup);

const turn = (outcome: string | null, words = ''): Turn =>
  ({
    run: { run_id: 'r', outcome },
    runs: [{ run_id: 'r', outcome }],
    question: null,
    answers: [{ message: { id: 'm', role: 'assistant', content: words } }],
    wordings: [],
    versions: []
  }) as unknown as Turn;

function told(...turns: readonly Turn[]): (string | null)[] {
  const announcer = (each: Turn | undefined): JSX.Element =>
    shownIn(<Announcer turn={each} runs={new Map(each && [[each.run.run_id, each.run]])} />);
  const { rerender } = render(announcer(turns[0]));
  return turns.map(each => {
    rerender(announcer(each));
    return screen.getByRole('status').textContent;
  });
}

test('an answer is told once, when it is whole', () => {
  expect(told(turn(null), turn(null, 'so'), turn('success', 'so it is'))).toEqual([
    '',
    '',
    'Answer: so it is'
  ]);
});

test('what was there already is not told', () => {
  expect(told(turn('success', 'long ago'))).toEqual(['']);
});

test.each([
  ['waiting', 'Your decision is needed.'],
  ['cancelled', 'The answer was stopped.'],
  ['error', 'The answer is not whole.']
])('an answer that ends with %s says so', (outcome, words) => {
  expect(told(turn(null), turn(outcome, 'half'))).toEqual(['', words]);
});

test('a long answer is told by its beginning', () => {
  expect(told(turn(null), turn('success', 'w'.repeat(5000)))[1]).toHaveLength('Answer: …'.length + 300);
});
