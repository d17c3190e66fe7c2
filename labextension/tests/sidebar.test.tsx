// @vitest-environment jsdom
import { host } from './host';

import { act, screen, waitFor } from '@testing-library/react';
import { Widget } from '@lumino/widgets';
import { expect, test, vi } from 'vitest';

import type { Rest, ThreadRow } from '../src/client/rest';
import type { Hearer } from '../src/client/wire';
import { Desk } from '../src/lab/desk';
import { Sidebar } from '../src/lab/sidebar';
import { EventType } from '../src/protocol';
import { OpenThreads, ThreadList } from '../src/store/threads';
import { conversation } from './server';

const PATIENT = { timeout: 4000 };

const row: ThreadRow = {
  thread_id: 'alpha',
  title: 'Alpha',
  created: '2026-11-21',
  updated: '2026-11-21',
  message_count: 1,
  preview: '',
  notebook: null,
  folder: '',
  running: false
};

test('the list of chats is not drawn again for a piece of an answer', async () => {
  const asked = vi.fn(async () => [row]);
  const rest = { liveUrl: (id: string) => id, list: asked, files: async () => [] };
  let hearer: Hearer | undefined;
  const threads = new OpenThreads(rest as unknown as Rest, (_url, given) => {
    hearer = given;
    return { send: vi.fn(), nudge: vi.fn(), close: vi.fn() };
  });
  const list = new ThreadList(rest as unknown as Rest);
  const desk = new Desk(threads, list, null);
  const onOpen = vi.fn();
  const sidebar = new Sidebar({
    host,
    rest: rest as unknown as Rest,
    list,
    desk,
    onOpenMain: onOpen,
    onShare: onOpen,
    onCompare: onOpen
  });
  Widget.attach(sidebar, document.body);
  await screen.findByRole('button', { name: /^Alpha/ }, PATIENT);
  const server = conversation();
  server.ask('q', 'r');
  server.start('q', 'r', 'r3');
  await act(async () => hearer?.onFrame(server.hello()));
  await screen.findByText(/Better now/, {}, PATIENT);
  // What was said changes the list, a moment later.
  await waitFor(() => expect(asked).toHaveBeenCalledTimes(2), PATIENT);
  await act(async () => undefined);
  const drawn = vi.spyOn(desk.value.unread, 'has');
  const piece = { type: EventType.TEXT_MESSAGE_CONTENT, messageId: 'm', delta: 'Growing' } as const;
  await act(async () => hearer?.onFrame({ kind: 'event', run_id: 'r', n: 99, event: piece }));
  await screen.findByText('Growing', {}, PATIENT);
  expect(drawn).not.toHaveBeenCalled();
  sidebar.dispose();
});
