// @vitest-environment jsdom
import { host } from './host';

import { act, cleanup, render } from '@testing-library/react';
import { Profiler } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Hearer } from '../src/client/wire';
import { useFrameState } from '../src/components/frameState';
import { HostProvider } from '../src/components/host';
import { ThreadView } from '../src/components/ThreadView';
import { beforeFrame, beforeLaterFrame } from '../src/store/frames';
import { Thread } from '../src/store/thread';
import type { ThreadRest } from '../src/store/thread';
import { Server, THREAD } from './server';

/** Milliseconds between two drawings, as the timers here take it. */
const FRAME = 16;

const soon = setImmediate; // not a faked one

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'Date',
      'requestAnimationFrame',
      'cancelAnimationFrame'
    ]
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('what is due for a drawing is done in one go, and what is taken back is not', () => {
  const done: string[] = [];
  beforeFrame(() => done.push('one'));
  const leave = beforeFrame(() => done.push('other'));
  beforeFrame(() => {
    done.push('third');
    beforeFrame(() => done.push('next'));
  });
  leave();
  expect(done).toEqual([]);
  vi.advanceTimersByTime(FRAME);
  expect(done).toEqual(['one', 'third']);
  vi.advanceTimersByTime(FRAME);
  expect(done).toEqual(['one', 'third', 'next']);
});

test('what is due later waits for its time and a drawing, and can be taken back until then', () => {
  const done: string[] = [];
  beforeLaterFrame(50, () => done.push('one'));
  const leave = beforeLaterFrame(50, () => done.push('other'));
  vi.advanceTimersByTime(50);
  expect(done).toEqual([]);
  leave();
  vi.advanceTimersByTime(FRAME);
  expect(done).toEqual(['one']);
});

test('where nobody sees the page, nothing waits for a drawing', () => {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  const done: string[] = [];
  beforeFrame(() => done.push('at once'));
  expect(done).toEqual(['at once']);
  vi.restoreAllMocks();
});

test('an answer that comes, and what is laid out meanwhile, are one commit in a drawing at most', async () => {
  let hearer: Hearer | undefined;
  const rest = { liveUrl: (id: string) => id, files: async () => [] } as unknown as ThreadRest;
  const thread = new Thread(THREAD, {}, rest, (_, hears) => {
    hearer = hears;
    return { send: () => undefined, nudge: () => undefined, close: () => undefined };
  });
  let commits = 0;
  let lay: (height: number) => void = () => undefined;
  function Laid(): JSX.Element {
    const [height, set] = useFrameState(0);
    lay = set;
    return <i>{height}</i>;
  }
  render(
    <HostProvider value={host}>
      <Profiler id="chat" onRender={() => (commits += 1)}>
        <ThreadView thread={thread} />
        <Laid />
      </Profiler>
    </HostProvider>
  );
  const server = new Server();
  server.ask('q', 'r');
  server.start('q', 'r', null);
  await act(async () => {
    hearer?.onFrame(server.hello());
    await vi.advanceTimersByTimeAsync(100);
  });
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false); // which gathers what is to be committed
  const before = server.frames.length;
  server.say(
    'a',
    Array.from({ length: 40 }, (_, place) => `word ${place} `)
  );
  const found: number[] = [];
  for (const [place, frame] of server.frames.slice(before).entries()) {
    hearer?.onFrame(frame);
    lay(place + 1);
    commits = 0;
    await vi.advanceTimersByTimeAsync(FRAME);
    await new Promise(resolve => soon(resolve));
    found.push(commits);
  }
  expect(Math.max(...found)).toBe(1);
  expect(found.filter(Boolean).length).toBeGreaterThan(30);
  thread.close();
}, 60_000);
