// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { shownIn } from './host';
import { Head } from '../src/components/Head';
import type { HeadProps } from '../src/components/Head';

const onRename = vi.fn();

const head = (change: Partial<HeadProps>): JSX.Element =>
  shownIn(
    <Head
      threadId="a"
      title="Alpha"
      isListOpen
      onToggleList={vi.fn()}
      onRename={onRename}
      onCompare={vi.fn()}
      onShare={vi.fn()}
      onOpenMain={vi.fn()}
      onNew={vi.fn()}
      {...change}
    />
  );

beforeEach(() => onRename.mockClear());
afterEach(cleanup);

test('a title is renamed in place, and the focus comes back to it', async () => {
  render(head({}));
  await userEvent.dblClick(screen.getByRole('heading', { name: 'Alpha' }));
  await userEvent.keyboard('Omega{Enter}');
  expect(onRename).toHaveBeenCalledExactlyOnceWith('Omega');
  expect(document.activeElement).toBe(screen.getByRole('heading'));
});

test('an input method’s Enter and Escape are its own', async () => {
  render(head({}));
  await userEvent.dblClick(screen.getByRole('heading', { name: 'Alpha' }));
  const input = screen.getByRole('textbox', { name: 'Title' });
  fireEvent.keyDown(input, { key: 'Enter', keyCode: 229 });
  fireEvent.keyDown(input, { key: 'Escape', isComposing: true });
  expect(screen.getByRole('textbox', { name: 'Title' })).toBe(input);
});

test('a title being changed is never given to the chat that is shown next', async () => {
  const { rerender } = render(head({}));
  await userEvent.dblClick(screen.getByRole('heading', { name: 'Alpha' }));
  await userEvent.keyboard('Omega');
  const other = vi.fn();
  rerender(head({ threadId: 'b', title: 'Beta', onRename: other }));
  expect(screen.getByRole('heading', { name: 'Beta' })).toBeTruthy();
  expect(other).not.toHaveBeenCalled();
});

test('a chat in which nothing was said has no title to change', async () => {
  render(head({ title: '', onRename: null }));
  await userEvent.dblClick(screen.getByRole('heading', { name: 'New chat' }));
  expect(screen.queryByRole('textbox')).toBeNull();
});
