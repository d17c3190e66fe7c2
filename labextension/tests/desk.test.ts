// @vitest-environment jsdom
import { expect, test, vi } from 'vitest';

import type { Rest, ThreadRow } from '../src/client/rest';
import type { Hearer } from '../src/client/wire';
import { Desk } from '../src/lab/desk';
import { Comparison, freshPanes } from '../src/store/compare';
import { OpenThreads, ThreadList } from '../src/store/threads';
import type { ClientFrame } from '../src/protocol';
import { Server } from './server';

const row = (id: string, notebook: string | null, updated: string): ThreadRow => ({
  thread_id: id,
  title: id,
  created: updated,
  updated,
  message_count: 1,
  preview: '',
  notebook,
  folder: 'analysis',
  running: false
});

const ROWS = [
  row('old', 'report.ipynb', '2026-11-20'),
  row('new', 'report.ipynb', '2026-11-21'),
  { ...row('asked by a program', 'report.ipynb', '2026-11-22'), origin: 'openai' },
  row('x', null, '2026-11-22')
];

interface Room {
  readonly desk: Desk;
  readonly list: ThreadList;
  readonly threads: OpenThreads;
  /** Lets the server answer the list that was asked for. */
  readonly answer: () => Promise<void>;
  /** What each wire was given to hear, and what was sent over it. */
  readonly wires: Map<string, { readonly hearer: Hearer; readonly sent: ClientFrame[] }>;
}

function room(notebook: string | null): Room {
  let release: () => void = () => undefined;
  const rest = {
    liveUrl: (id: string) => id,
    list: async ({ notebook: path }: { notebook?: string } = {}) => {
      const rows = path ? ROWS.filter(each => `${each.folder}/${each.notebook}` === path) : ROWS;
      const before = release;
      await new Promise<void>(resolve => {
        release = () => {
          before();
          resolve();
        };
      });
      return rows;
    }
  } as unknown as Rest;
  const wires: Room['wires'] = new Map();
  const threads = new OpenThreads(rest, (url, hearer) => {
    const sent: ClientFrame[] = [];
    wires.set(url(0).split('?')[0], { hearer, sent });
    return { send: frame => sent.push(frame), nudge: () => undefined, close: () => undefined };
  });
  const list = new ThreadList(rest);
  const desk = new Desk(threads, list, notebook);
  const answer = async (): Promise<void> => {
    release();
    await new Promise(resolve => setTimeout(resolve));
  };
  return { desk, list, threads, answer, wires };
}

const REPORT = 'analysis/report.ipynb';

test('the latest thread of this notebook is resumed, and the list has this notebook first', async () => {
  const { desk, list, answer } = room(REPORT);
  expect(desk.value.isProvisional).toBe(true);
  await answer();
  expect(desk.value.thread.id).toBe('new');
  expect(list.value.here.map(each => each.thread_id)).toEqual(['asked by a program', 'new', 'old']);
  expect(list.value.elsewhere.map(each => each.thread_id)).toEqual(['x']);
});

test('a new chat begun while the resume is pending stays new', async () => {
  const { desk, answer } = room(REPORT);
  const before = desk.value.thread.id;
  desk.newChat();
  const { id } = desk.value.thread;
  await answer();
  expect(desk.value.thread.id).toBe(id);
  expect(id).not.toBe(before);
});

test('what was written before the resume came is not taken away', async () => {
  const { desk, answer } = room(REPORT);
  desk.value.thread.write('half a thought');
  const { id } = desk.value.thread;
  await answer();
  expect(desk.value.thread.id).toBe(id);
});

test('a thread that a cell begins takes the place of a new chat nobody asked for, and of no other', async () => {
  const path = 'analysis/begun.ipynb';
  const { desk, list, answer } = room(path);
  await answer();
  const spare = desk.value.thread.id;
  ROWS.push(row('by-a-cell', 'begun.ipynb', '2026-11-23'));
  try {
    void list.refresh();
    await answer();
    expect(desk.value.thread.id).toBe('by-a-cell');
    expect(spare).not.toBe('by-a-cell');
    desk.newChat();
    const { id } = desk.value.thread;
    void list.refresh();
    await answer();
    expect(desk.value.thread.id).toBe(id);
  } finally {
    ROWS.pop();
  }
});

test('a new chat nobody asked for stays while models are compared, and until a cell begins another', async () => {
  const path = 'analysis/compared.ipynb';
  const { desk, list, threads, answer } = room(path);
  await answer();
  const { id } = desk.value.thread;
  const both = new Comparison(threads, { notebook: path }, freshPanes(['one', 'other']));
  const before = ROWS.length;
  both.kept.forEach(pane => ROWS.push(row(pane.threadId, 'compared.ipynb', '2026-11-23')));
  try {
    void list.refresh();
    await answer();
    expect(list.value.here).toHaveLength(2);
    expect(desk.value.thread.id).toBe(id);
    both.close();
    void list.refresh();
    await answer();
    expect(desk.value.thread.id).toBe(id);
    ROWS.push(row('by a cell', 'compared.ipynb', '2026-11-22'));
    void list.refresh();
    await answer();
    expect(desk.value.thread.id).toBe('by a cell');
  } finally {
    ROWS.splice(before);
  }
});

test('where no notebook is open, no thread is resumed', async () => {
  const { desk, answer } = room(null);
  const { id } = desk.value.thread;
  await answer();
  expect(desk.value.thread.id).toBe(id);
  expect(desk.value.isProvisional).toBe(false);
});

test('of two threads opened one after the other the second stays, however late the first is told', async () => {
  const { desk, list, answer, wires } = room(REPORT);
  await answer();
  const [first, second] = [list.value.here[1], list.value.elsewhere[0]];
  const slow = new Server();
  slow.ask('q', 'r');
  desk.open(first);
  const wire = wires.get(first.thread_id);
  desk.open(second);
  wire?.hearer.onFrame(slow.hello());
  wires.get(second.thread_id)?.hearer.onFrame(new Server().hello());
  await answer();
  expect(desk.value.thread.id).toBe(second.thread_id);
  expect(desk.value.thread.snapshot().view.messages.size).toBe(0);
});

test('the server is told once when a message is begun, and not while it cannot be reached', async () => {
  const { desk, answer, wires } = room(REPORT);
  await answer();
  desk.newChat();
  const { thread } = desk.value;
  const wire = wires.get(thread.id);
  thread.write('before it is there');
  thread.write('');
  wire?.hearer.onConnection('live', 0);
  expect(wire?.sent).toEqual([]);
  'plot'.split('').forEach((_, end) => thread.write('plot'.slice(0, end + 1)));
  expect(wire?.sent).toMatchObject([{ kind: 'writing' }]);
  thread.submit('plot');
  thread.write('and');
  expect(wire?.sent).toMatchObject([{ kind: 'writing' }, { kind: 'send' }, { kind: 'writing' }]);
});

test('where a page may keep nothing and no dialog opens, as in a sandboxed frame, chats go on', async () => {
  const nothing = vi.spyOn(globalThis, 'localStorage', 'get').mockImplementation(() => {
    throw new DOMException('The document is sandboxed.', 'SecurityError');
  });
  const dialog = vi.spyOn(globalThis, 'confirm').mockReturnValue(false);
  try {
    const { desk, answer, wires } = room(REPORT);
    await answer();
    desk.newChat();
    const { id } = desk.value.thread;
    desk.value.thread.write('half a thought');
    desk.value.thread.send('said all the same');
    expect(wires.get(id)?.sent).toMatchObject([{ kind: 'send', content: 'said all the same' }]);
    desk.forget(id);
    expect(desk.value.thread.id).not.toBe(id);
    expect(dialog).not.toHaveBeenCalled();
  } finally {
    nothing.mockRestore();
    dialog.mockRestore();
  }
});

test('New chat and send in one tick: the message goes to the new thread and to no other', async () => {
  const { desk, answer, wires } = room(REPORT);
  await answer();
  desk.newChat();
  desk.value.thread.send('hello');
  const id = desk.value.thread.id;
  expect(wires.get(id)?.sent).toMatchObject([{ kind: 'send', content: 'hello' }]);
  expect(wires.get('new')?.sent).toEqual([]);
});

test('a thread that was left while it answered is marked once the answer has come, until it is opened', async () => {
  const { desk, list, answer, wires } = room(REPORT);
  await answer();
  const [, latest, old] = list.value.here;
  const server = new Server();
  wires.get('new')?.hearer.onFrame(server.hello());
  server.ask('q', 'r');
  server.start('q', 'r', null);
  server.frames.forEach(frame => wires.get('new')?.hearer.onFrame(frame));
  desk.open(old);
  const heard = server.frames.length;
  server.say('a', ['yes']);
  server.end();
  expect(desk.value.unread.size).toBe(0);
  server.frames.slice(heard).forEach(frame => wires.get('new')?.hearer.onFrame(frame));
  await new Promise(resolve => setTimeout(resolve, 80));
  expect([...desk.value.unread]).toEqual(['new']);
  expect(desk.value.thread.snapshot().view.messages.size).toBe(0);
  desk.open(latest);
  expect(desk.value.unread.size).toBe(0);
});

test('each notebook has its own thread, and a renamed notebook keeps it', async () => {
  const { desk, answer } = room(REPORT);
  await answer();
  desk.follow({ path: 'other.ipynb', renamedFrom: null });
  await answer();
  const other = desk.value.thread.id;
  expect(other).not.toBe('new');
  desk.follow({ path: REPORT, renamedFrom: null });
  expect(desk.value.thread.id).toBe('new');
  desk.follow({ path: 'analysis/renamed.ipynb', renamedFrom: REPORT });
  expect(desk.value.thread.id).toBe('new');
  await answer();
  desk.follow({ path: 'other.ipynb', renamedFrom: null });
  expect(desk.value.thread.id).toBe(other);
});

test('a notebook that was left before its list came takes no other notebook’s thread', async () => {
  const { desk, answer } = room(REPORT);
  await answer();
  desk.follow({ path: 'analysis/empty.ipynb', renamedFrom: null });
  const { id } = desk.value.thread;
  desk.follow({ path: REPORT, renamedFrom: null });
  await answer();
  expect(desk.value.thread.id).toBe('new');
  desk.follow({ path: 'analysis/empty.ipynb', renamedFrom: null });
  await answer();
  expect(desk.value).toMatchObject({ thread: { id }, isProvisional: false });
});

test('a notebook that is renamed before its list came resumes its latest thread all the same', async () => {
  const { desk, answer } = room('analysis/Untitled.ipynb');
  desk.follow({ path: REPORT, renamedFrom: 'analysis/Untitled.ipynb' });
  await answer();
  expect(desk.value).toMatchObject({ thread: { id: 'new' }, isProvisional: false });
});

test('where the thread that is shown is deleted, a new one takes its place', async () => {
  const { desk, answer } = room(REPORT);
  await answer();
  desk.forget('new');
  expect(desk.value.thread.id).not.toBe('new');
  desk.value.thread.send('still here');
  expect(desk.value.thread.snapshot().view.pending).toHaveLength(1);
});
