// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket as Peer } from 'ws';

import { CAP, attemptAfter, delayBefore, openWire } from '../src/client/wire';
import type { Connection, Patience, Wire } from '../src/client/wire';
import type { ServerFrame } from '../src/protocol';
import { Server } from './server';

let server: WebSocketServer;
let url: string;
/** What was asked of the server, in order: addresses and frames. */
let asked: string[];
let peers: Peer[];
/** What the server does with a socket that has just come. */
let greet: (peer: Peer) => void;

beforeEach(async () => {
  asked = [];
  peers = [];
  greet = peer => peer.send(JSON.stringify(new Server().hello()));
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (peer, request) => {
    asked.push(request.url ?? '');
    peers.push(peer);
    peer.on('message', data => asked.push(String(data)));
    greet(peer);
  });
  await new Promise(resolve => server.once('listening', resolve));
  url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
});

afterEach(() => {
  peers.forEach(peer => peer.terminate());
  server.close();
});

interface Heard {
  readonly wire: Wire;
  readonly frames: ServerFrame[];
  readonly connections: Connection[];
  /** Ids of frames that were too long. */
  readonly tooLong: string[];
}

function open(after = () => 0, patience?: Patience): Heard {
  const frames: ServerFrame[] = [];
  const connections: Connection[] = [];
  const tooLong: string[] = [];
  const wire = openWire(
    seq => `${url}/live?after=${seq}`,
    {
      after,
      onFrame: frame => frames.push(frame),
      onConnection: connection => connections.push(connection),
      onTooLong: frame => tooLong.push(frame.id)
    },
    patience
  );
  return { wire, frames, connections, tooLong };
}

/** Waits until `condition` holds, for three seconds at most. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000;
  while (!condition()) {
    if (Date.now() > deadline) {
      throw new Error(`It did not come true: ${condition.toString()} ${JSON.stringify(asked)}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const message = (id: string): { kind: 'send'; id: string; content: string } => ({
  kind: 'send',
  id,
  content: id
});
const sent = (): string[] =>
  asked.filter(each => each.startsWith('{')).map(each => JSON.parse(each).id as string);

test('what is said before the hello is sent after it', async () => {
  const { wire } = open();
  wire.send(message('m1'));
  await until(() => sent().length === 1);
  expect(sent()).toEqual(['m1']);
  wire.close();
});

test('after a drop it joins again by itself, after the last line, and sends again what was not acknowledged', async () => {
  let seq = 0;
  const { wire, connections } = open(() => seq);
  await until(() => connections.includes('live'));
  wire.send(message('m1'));
  wire.send(message('m2'));
  await until(() => sent().length === 2);
  peers[0].send(JSON.stringify({ kind: 'ack', id: 'm1', seq: 7 }));
  await until(() => connections.length === 1);
  seq = 7;
  await new Promise(resolve => peers[0].ping(resolve));
  peers[0].close(1012);
  await until(() => peers.length === 2 && sent().length === 3);
  expect(asked.filter(each => each.startsWith('/'))).toEqual(['/live?after=0', '/live?after=7']);
  expect(sent()).toEqual(['m1', 'm2', 'm2']);
  expect(connections).toEqual(['live', 'offline', 'live']);
  wire.close();
});

test.each([4400, 4404, 4410, 4422])('a socket closed with %i stays closed', async code => {
  greet = peer => {
    peer.send(JSON.stringify({ kind: 'nack', id: null, code: 'thread_not_found', message: 'Unknown.' }));
    peer.close(code);
  };
  const { wire, frames, connections } = open();
  await until(() => connections.includes('closed'));
  wire.nudge();
  window.dispatchEvent(new Event('online'));
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(peers).toHaveLength(1);
  expect(frames).toMatchObject([{ kind: 'nack', id: null }]);
});

test('coming back online joins again at once, though the socket looks open', async () => {
  const { wire, connections } = open();
  await until(() => connections.includes('live'));
  window.dispatchEvent(new Event('online'));
  await until(() => peers.length === 2 && connections.at(-1) === 'live');
  wire.close();
});

test('a nudge cuts a pause short', async () => {
  greet = peer => peer.close(1011);
  const { wire, connections } = open();
  await until(() => peers.length === 3 && connections.length === 2);
  greet = peer => peer.send(JSON.stringify(new Server().hello()));
  const before = Date.now();
  wire.nudge();
  await until(() => connections.at(-1) === 'live');
  // Left alone, this attempt would come after a second at the earliest.
  expect(Date.now() - before).toBeLessThan(delayBefore(3, 0));
  wire.close();
});

test('what is no frame is passed over', async () => {
  const { wire, frames, connections } = open();
  await until(() => connections.includes('live'));
  peers[0].send('{"kind": "event", "seq');
  peers[0].send(JSON.stringify({ kind: 'ack', id: 'x' }));
  await until(() => frames.length === 2);
  expect(frames.map(frame => frame.kind)).toEqual(['hello', 'ack']);
  wire.close();
});

test('pauses double up to twenty seconds and never end, half of each left to chance', () => {
  expect([0, 1, 2, 3, 6, 7, 1e9].map(attempt => delayBefore(attempt, 1))).toEqual([
    0,
    500,
    1000,
    2000,
    16_000,
    CAP,
    CAP
  ]);
  for (const attempt of [1, 5, 1e9]) {
    expect(delayBefore(attempt, 0)).toBe(delayBefore(attempt, 1) / 2);
    expect(delayBefore(attempt, 0.5)).toBeLessThan(delayBefore(attempt, 0.6));
  }
});

test('a connection that held makes a fresh start, one that broke at once does not', () => {
  expect(attemptAfter(7, 5000)).toBe(1);
  expect(attemptAfter(7, 4999)).toBe(7);
  expect(attemptAfter(0, 0)).toBe(1);
  expect(delayBefore(attemptAfter(0, 60_000), 0)).toBeGreaterThan(0);
});

test('a connection that breaks right after each hello is not tried in a hot loop', async () => {
  greet = peer => {
    peer.send(JSON.stringify(new Server().hello()));
    peer.close(1011);
  };
  const { wire, connections } = open();
  await new Promise(resolve => setTimeout(resolve, 1000));
  expect(connections.slice(0, 2)).toEqual(['live', 'offline']);
  expect(peers.length).toBeGreaterThan(1);
  expect(peers.length).toBeLessThan(5);
  wire.close();
});

const HASTY: Patience = { answer: 10_000, silence: 150, absence: 50 };

test('a socket on which nothing is heard, though it looks open, is given up for another', async () => {
  const { wire, connections } = open(() => 0, HASTY);
  await until(() => peers.length === 2 && connections.at(-1) === 'live');
  expect(connections).toEqual(['live', 'offline', 'live']);
  wire.close();
});

test('a socket that opens and never says hello is given up as well', async () => {
  greet = () => undefined;
  const { wire, connections } = open(() => 0, HASTY);
  await until(() => peers.length === 2);
  greet = peer => peer.send(JSON.stringify(new Server().hello()));
  await until(() => connections.at(-1) === 'live');
  wire.close();
});

test('heartbeats keep a silent thread connected and are told to nobody', async () => {
  const { wire, frames } = open(() => 0, HASTY);
  await until(() => frames.length === 1);
  const beat = setInterval(() => peers[0].send('{"kind":"heartbeat"}'), 30);
  await new Promise(resolve => setTimeout(resolve, 500));
  clearInterval(beat);
  expect(peers).toHaveLength(1);
  expect(frames).toHaveLength(1);
  wire.close();
});

test('a page that was away and comes back to silence joins again at once', async () => {
  const { wire, connections } = open(() => 0, { ...HASTY, silence: 60_000 });
  await until(() => connections.includes('live'));
  document.dispatchEvent(new Event('visibilitychange'));
  expect(connections).toEqual(['live']);
  await new Promise(resolve => setTimeout(resolve, 60));
  document.dispatchEvent(new Event('visibilitychange'));
  await until(() => peers.length === 2 && connections.at(-1) === 'live');
  wire.close();
});

test('a closed wire makes no further attempt', async () => {
  const { wire, connections } = open(() => 0, HASTY);
  await until(() => connections.includes('live'));
  wire.close();
  await new Promise(resolve => setTimeout(resolve, 300));
  expect(peers).toHaveLength(1);
});

test('a frame longer than the hello allows is not sent, before the hello or after it; the next one is', async () => {
  greet = peer => peer.send(JSON.stringify({ ...new Server().hello(), most_bytes: 200 }));
  const { wire, tooLong } = open();
  const long = { ...message('early'), content: 'é'.repeat(90) };
  wire.send(long);
  await until(() => tooLong.length === 1);
  wire.send({ ...long, id: 'late' });
  wire.send(message('short'));
  await until(() => sent().length === 1);
  expect([tooLong, sent(), peers.length]).toEqual([['early', 'late'], ['short'], 1]);
  wire.close();
});

test('what a socket was closed with 1009 over is told once and never sent again; the rest is', async () => {
  greet = peer => {
    peer.send(JSON.stringify(new Server().hello()));
    peer.on('message', data => (data as Buffer).length > 200 && peer.close(1009));
  };
  const { wire, tooLong, connections } = open();
  await until(() => connections.includes('live'));
  wire.send(message('short'));
  wire.send({ ...message('long'), content: 'x'.repeat(300) });
  wire.send(message('other'));
  await until(() => peers.length === 2 && sent().length >= 4 && sent().at(-1) === 'other');
  wire.send({ ...message('as long'), content: 'x'.repeat(300) });
  expect(tooLong).toEqual(['long', 'as long']);
  expect(sent().slice(-2)).toEqual(['short', 'other']);
  expect(peers).toHaveLength(2);
  wire.close();
});
