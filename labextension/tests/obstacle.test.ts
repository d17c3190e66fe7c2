// @vitest-environment jsdom
/** Why a wire does not open though the server is there. */

import './shims';

import { ServerConnection } from '@jupyterlab/services';
import { expect, it, test, vi } from 'vitest';

import { Rest } from '../src/client/rest';
import { Lookout } from '../src/store/obstacle';
import type { Obstacle } from '../src/store/obstacle';

test('an obstacle is told once two looks agree, and the first has the wire try again', async () => {
  const found: (Obstacle | null)[] = ['websockets', 'websockets', 'websockets', null, 'extension'];
  const again = vi.fn();
  const lookout = new Lookout(async () => found.shift() ?? null, again);
  expect(await lookout.find(1)).toBeNull();
  expect(found).toHaveLength(5);
  expect([await lookout.find(3), again.mock.calls.length]).toEqual([null, 1]);
  expect([await lookout.find(4), await lookout.find(5)]).toEqual(['websockets', 'websockets']);
  expect([await lookout.find(6), await lookout.find(7)]).toEqual([null, null]);
  expect(again).toHaveBeenCalledTimes(2);
});

test('one that was found before the server was lost again counts no more', async () => {
  const lookout = new Lookout(async () => 'websockets', vi.fn());
  await lookout.find(3);
  await lookout.find(0);
  expect(await lookout.find(3)).toBeNull();
});

/** A server whose addresses answer with these statuses; 0: not at all. */
function served(statuses: Readonly<Record<string, number>>): Rest {
  const fetch = async (asked: RequestInfo | URL): Promise<Response> => {
    const { pathname } = new URL(asked instanceof Request ? asked.url : asked);
    const status = statuses[pathname.replace('/user/jo/', '')] ?? 0;
    if (status === 0) {
      throw new TypeError('Failed to fetch');
    }
    return new Response('{}', { status });
  };
  return new Rest(ServerConnection.makeSettings({ baseUrl: 'http://localhost:8888/user/jo/', fetch }));
}

it.each<[string, Readonly<Record<string, number>>, Obstacle | null]>([
  ['a proxy that lets no websocket through', { 'chat-sessions/health': 200, api: 200 }, 'websockets'],
  ['a server without the extension', { 'chat-sessions/health': 404, api: 200 }, 'extension'],
  ['a login that has ended', { 'chat-sessions/health': 403, api: 200 }, 'login'],
  ['a hub that has stopped the server', { 'chat-sessions/health': 404, api: 404 }, null],
  ['a server that fails', { 'chat-sessions/health': 502, api: 502 }, null],
  ['a server that is gone', {}, null]
])('knows %s', async (_, statuses, obstacle) => {
  expect(await served(statuses).obstacle()).toBe(obstacle);
});
