// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';

import { host, shownIn } from './host';
import { PanelChat } from '../src/notebook/PanelChat';
import type { Saved } from '../src/notebook/snapshot';
import type { Thread } from '../src/store/thread';
import { EMPTY } from '../src/store/view';

afterEach(cleanup);

const saved: Saved = {
  schema_version: 1,
  thread_id: 't',
  turns: [
    {
      question: { id: 'q', role: 'user', content: 'why?' },
      answers: [
        { id: 'a', role: 'assistant', content: 'because', metadata: { jupyter: { model: 'openai:x' } } }
      ],
      outcome: 'success'
    }
  ]
};

const shown = { view: EMPTY, connection: 'closed', tries: 0, draft: '', isLoadingOlder: false, files: [] };
const thread = { subscribe: () => () => undefined, snapshot: () => shown, nudge: vi.fn() };

test('of what can be done with an answer, a saved chat offers what can be done without its server', async () => {
  render(shownIn(<PanelChat thread={thread as unknown as Thread} saved={saved} />));
  await userEvent.click(screen.getByRole('button', { name: 'Copy the answer' }));
  expect(host.copy).toHaveBeenCalledExactlyOnceWith('because');
  expect(screen.queryByRole('button', { name: 'What was sent to the model' })).toBeNull();
});
