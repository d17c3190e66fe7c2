// @vitest-environment jsdom
/** The list in which deleted chats are taken back. */

import './shims';

import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';

import type { DeletedRow } from '../src/client/rest';
import { DeletedList } from '../src/components/DeletedList';
import { shownIn } from './host';

afterEach(cleanup);

const row = (title: string): DeletedRow => ({
  thread_id: title,
  title,
  preview: '',
  notebook: 'report.ipynb',
  folder: 'analysis',
  deleted: '2026-01-02T03:04:05Z'
});

it('takes back the chat whose button was pressed, and then shows what is left', async () => {
  let kept = [row('First'), row('Second')];
  const restore = async ({ thread_id: id }: DeletedRow): Promise<void> => {
    kept = kept.filter(each => each.thread_id !== id);
  };
  render(shownIn(<DeletedList load={async () => kept} onRestore={restore} />));
  await userEvent.click(await screen.findByRole('button', { name: 'Take Second back' }));
  await expect.poll(() => screen.queryByText('Second')).toBeNull();
  expect(screen.getByText('First')).toBeTruthy();
  expect(screen.getByText(/analysis\/report\.ipynb/)).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Take First back' }));
  expect(await screen.findByText('Nothing was deleted in the last 7 days.')).toBeTruthy();
});

it('says why a chat could not be taken back, and keeps it on the list', async () => {
  const refuse = (): Promise<void> => Promise.reject(new Error('Another stands in its place.'));
  render(shownIn(<DeletedList load={async () => [row('First')]} onRestore={refuse} />));
  await userEvent.click(await screen.findByRole('button', { name: 'Take First back' }));
  expect((await screen.findByRole('alert')).textContent).toBe('Another stands in its place.');
  expect(screen.getByText('First')).toBeTruthy();
});
