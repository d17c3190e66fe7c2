// @vitest-environment jsdom
import { act, cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, test, vi } from 'vitest';

import { shownIn } from './host';
import type { AlongActions } from '../src/components/alongActions';
import { Composer } from '../src/components/Composer';
import type { Suggestion } from '../src/components/trigger';

afterEach(cleanup);

const named = (label: string): Suggestion => ({ key: `key of ${label}`, label, detail: '' });

interface Asked {
  readonly choose: AlongActions['choose'];
  /** What has been found so far. */
  readonly found: (labels: readonly string[]) => Promise<void>;
}

/** A composer in which `@` finds what the test says. */
function composer(): Asked {
  let show: (found: readonly Suggestion[]) => void = () => undefined;
  const choose = vi.fn();
  const alongActions = {
    choose,
    mentions: tell => {
      show = tell;
      return new Promise<void>(() => undefined);
    }
  } as Partial<AlongActions> as AlongActions;
  const Writing = (): JSX.Element => {
    const [draft, write] = useState('');
    return (
      <Composer
        draft={draft}
        isRunning={false}
        blocked={null}
        onWrite={write}
        onSend={vi.fn()}
        onStop={vi.fn()}
        alongActions={alongActions}
      />
    );
  };
  render(shownIn(<Writing />));
  return { choose, found: async labels => act(async () => show(labels.map(named))) };
}

const text = (): HTMLTextAreaElement => screen.getByRole('textbox', { name: 'Message' });
const active = (): string | null | undefined =>
  screen.queryByRole('option', { selected: true })?.querySelector('.jcs-Suggestion-label')?.textContent;

test('what somebody aims at stays aimed at, whatever is found after it', async () => {
  const { choose, found } = composer();
  await userEvent.type(text(), '@dat');
  await found(['my_data.csv', 'old_data.csv']);
  expect(active()).toBe('my_data.csv');
  await userEvent.keyboard('{ArrowDown}');
  await found(['my_data.csv', 'old_data.csv', 'data']);
  expect(active()).toBe('old_data.csv');
  await userEvent.keyboard('{Enter}');
  expect(choose).toHaveBeenCalledExactlyOnceWith('key of old_data.csv');
});

test('Enter before anything is found chooses the best of it; Shift+Enter begins a line all the same', async () => {
  const { choose, found } = composer();
  await userEvent.type(text(), 'See @dat');
  await userEvent.keyboard('{Shift>}{Enter}{/Shift}');
  expect(text().value).toBe('See @dat\n');
  await userEvent.keyboard('{Backspace}{Enter}');
  expect(choose).not.toHaveBeenCalled();
  await found(['my_data.csv', 'data']);
  expect(choose).toHaveBeenCalledExactlyOnceWith('key of data');
});
