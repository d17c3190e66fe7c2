/** What goes along with a message: found at the caret, kept, uploaded. */

import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import type { Rest } from '../src/client/rest';
import { RestError } from '../src/client/refusal';
import { PIECE, upload } from '../src/client/upload';
import type { PutPiece } from '../src/client/upload';
import { alongActionsOf } from '../src/components/alongActions';
import type { Receiving } from '../src/components/alongActions';
import type { Host, NotebookContext } from '../src/components/host';
import { fitting, replaced, triggerAt } from '../src/components/trigger';
import { changedAlong, itemsOf, shownPath, uploadPath } from '../src/store/along';
import type { Along, AlongChange } from '../src/store/along';
import { Attachments } from '../src/store/attachments';
import type { AttachmentRest } from '../src/store/attachments';
import { EventType } from '../src/protocol';
import type { ClientFrame, ContextItem, ServerFrame } from '../src/protocol';
import { Drafts } from '../src/store/drafts';
import { Thread } from '../src/store/thread';
import type { Connect, Page, ThreadRest } from '../src/store/thread';
import { EMPTY, TOO_LONG } from '../src/store/view';
import type { Pending } from '../src/store/view';

/** The trigger at `|`. */
const at = (marked: string): string | null => {
  const caret = marked.indexOf('|');
  const found = triggerAt(marked.replace('|', ''), caret);
  return found && `${found.kind}${found.query}@${found.from}-${found.to}`;
};

describe('what is typed at the caret', () => {
  it('a slash is a command at the beginning of the message only', () => {
    expect(at('/|')).toBe('/@0-1');
    expect(at('  /ru|n x')).toBe('/ru@2-5');
    expect(at('/run |')).toBeNull();
    expect(at('a /b|')).toBeNull();
    expect(at('1 /|')).toBeNull();
    expect(at('/usr/b|')).toBeNull();
  });

  it('an at sign begins a mention where no word stands before it', () => {
    expect(at('@|')).toBe('@@0-1');
    expect(at('see @da|ta.csv now')).toBe('@da@4-7');
    expect(at('(@x|')).toBe('@x@1-3');
    expect(at('line\n@é|')).toBe('@é@5-7');
    expect(at('me@home|')).toBeNull();
    expect(at('@done |')).toBeNull();
    expect(at('@f(|')).toBeNull();
    expect(at('no sign|')).toBeNull();
  });

  it('the best come first: beginnings, then words, then the middle, each in their order', () => {
    const all = ['Last error', 'error.log', 'data/errors.csv', 'terror', 'plot.png'].map(label => ({
      key: label,
      label,
      detail: ''
    }));
    const labels = (query: string): string[] => fitting(all, query).map(each => each.label);
    expect(labels('err')).toEqual(['error.log', 'Last error', 'data/errors.csv', 'terror']);
    expect(labels('')).toHaveLength(5);
    expect(labels('nothing')).toEqual([]);
  });

  it('what is chosen takes the place of what was typed, and nothing else moves', () => {
    const put = (text: string, caret: number, words: string): unknown => {
      const trigger = triggerAt(text, caret);
      return trigger && replaced(text, trigger, words);
    };
    expect(put('/r 2 + 2', 2, '/run ')).toEqual({ text: '/run 2 + 2', caret: 5 });
    expect(put('see @act and go', 8, '')).toEqual({ text: 'see and go', caret: 4 });
    expect(put('@act', 4, '')).toEqual({ text: '', caret: 0 });
  });
});

describe('the list of what goes along', () => {
  const after = (...changes: readonly AlongChange[]): readonly Along[] => changes.reduce(changedAlong, []);
  const file = { type: 'file', path: 'a.csv' } as const;

  it('only what is there is sent, and an upload ends once', () => {
    const coming: AlongChange = { kind: 'coming', id: 'u', label: 'a.csv', size: 10 };
    const half = after(coming, { kind: 'progress', id: 'u', come: 5 });
    expect(half).toMatchObject([{ state: 'coming', come: 5, size: 10, item: null }]);
    expect(itemsOf(half)).toEqual([]);
    const failed = changedAlong(half, { kind: 'failed', id: 'u', refusal: 'too large' });
    expect(failed).toMatchObject([{ state: 'failed', refusal: 'too large' }]);
    const again = changedAlong(failed, { kind: 'again', id: 'u' });
    expect(again).toMatchObject([{ state: 'coming', refusal: null }]);
    expect(itemsOf(changedAlong(again, { kind: 'arrived', id: 'u', item: file }))).toEqual([file]);
  });

  it('what was removed does not come back when it arrives', () => {
    const list = after(
      { kind: 'coming', id: 'u', label: 'a.csv', size: 10 },
      { kind: 'removed', id: 'u' },
      { kind: 'progress', id: 'u', come: 9 },
      { kind: 'arrived', id: 'u', item: file }
    );
    expect(list).toEqual([]);
  });

  it('the same thing chosen again goes along once, as it is now', () => {
    const cell = (source: string, id: string): AlongChange => ({
      kind: 'item',
      id,
      label: 'Cell',
      item: { type: 'cell', notebook: 'n.ipynb', id: 'c1', source }
    });
    expect(itemsOf(after(cell('old', '1'), cell('new', '2')))).toMatchObject([{ source: 'new' }]);
  });

  it('a file gets a name of its own that no path can be read into', () => {
    expect(uploadPath('i', 'plot.png')).toBe('uploads/i/plot.png');
    expect(uploadPath('i', '../../etc/passwd')).toBe('uploads/i/etc passwd');
    expect(uploadPath('i', '.hidden')).toBe('uploads/i/hidden');
    expect(uploadPath('i', '...')).toBe('uploads/i/file');
    expect(uploadPath('i', `${'x'.repeat(200)}.png`)).toMatch(/^uploads\/i\/x{76}\.png$/);
  });
});

it('an attached file is shown by its name', () => {
  expect(['uploads/1-2/a.csv', 'data/a.csv', 'uploads/a.csv'].map(shownPath)).toEqual([
    'a.csv',
    'data/a.csv',
    'uploads/a.csv'
  ]);
});

describe('an upload', () => {
  const size = 2.5 * PIECE;
  const file = new Blob([new Uint8Array(size)]);
  const pause = (): Promise<void> => Promise.resolve();

  /** A server that fails the calls of these numbers, after it has kept what came with those that are `late`. */
  function server(failing: readonly number[], late: readonly number[] = []): [PutPiece, string[]] {
    let kept = 0;
    const asked: string[] = [];
    const put: PutPiece = (start, piece, total) => {
      const number = asked.push(start === null ? '?' : `${start}+${piece?.size}`);
      const isLate = late.includes(number);
      if (!failing.includes(number) || isLate) {
        if (start !== null && start > kept) {
          return Promise.reject(new RestError(409, 'piece_missing', 'a gap'));
        }
        kept = start === null ? kept : start + (piece?.size ?? 0);
      }
      return failing.includes(number)
        ? Promise.reject(new RestError(0, 'unreachable', 'gone'))
        : Promise.resolve({ path: 'p', received: kept, ...(kept === total && { url: '/p' }) });
    };
    return [put, asked];
  }

  it('goes in pieces and says how far it is', async () => {
    const [put, asked] = server([]);
    const onProgress = vi.fn();
    await upload(file, { put, onProgress, signal: new AbortController().signal, pause });
    expect(asked).toEqual([`0+${PIECE}`, `${PIECE}+${PIECE}`, `${2 * PIECE}+${PIECE / 2}`]);
    expect(onProgress.mock.calls.flat()).toEqual([PIECE, 2 * PIECE, size]);
  });

  it('goes on from what has come, also where the answer alone was lost', async () => {
    const [put, asked] = server([2, 3, 5], [5]);
    const { received } = await upload(file, {
      put,
      onProgress: () => undefined,
      signal: new AbortController().signal,
      pause
    });
    expect(received).toBe(size);
    expect(asked.slice(1)).toEqual([
      `${PIECE}+${PIECE}`,
      '?',
      '?',
      `${PIECE}+${PIECE}`,
      '?',
      `${2 * PIECE}+${PIECE / 2}`
    ]);
  });

  it('ends at a refusal, and when it is given up', async () => {
    const refusal = new RestError(413, 'too_large', 'At most 512 MB.');
    const put = vi.fn(() => Promise.reject(refusal));
    const parts = { put, onProgress: () => undefined, pause };
    await expect(upload(file, { ...parts, signal: new AbortController().signal })).rejects.toBe(refusal);
    expect(put).toHaveBeenCalledOnce();
    const stop = new AbortController();
    const unreachable = vi.fn(() => {
      stop.abort();
      return Promise.reject(new RestError(0, 'unreachable', 'gone'));
    });
    await expect(upload(file, { ...parts, put: unreachable, signal: stop.signal })).rejects.toThrow();
    expect(unreachable).toHaveBeenCalledOnce();
  });
});

describe('what is attached', () => {
  const attachments = (rest: Partial<AttachmentRest>): Attachments =>
    new Attachments(
      't',
      {},
      rest as AttachmentRest,
      [],
      () => undefined,
      () => undefined
    );
  const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

  it('a refused file is kept with the reason, and tried again under the same name', async () => {
    const putFile = vi
      .fn<AttachmentRest['putFile']>()
      .mockRejectedValueOnce(new RestError(507, 'disk_full', 'The disk is full.'))
      .mockResolvedValueOnce({ path: 'p', received: 0 });
    const attached = attachments({ putFile });
    attached.upload(new File([], 'a.txt'));
    await settled();
    expect(attached.value).toMatchObject([{ state: 'failed', refusal: 'The disk is full.' }]);
    expect(attached.take()).toEqual([]);
    attached.retry(attached.value[0].id);
    await settled();
    expect(putFile.mock.calls[0][1]).toBe(putFile.mock.calls[1][1]);
    expect(itemsOf(attached.take())).toMatchObject([{ type: 'file' }]);
    expect(attached.value).toEqual([]);
  });

  it('a file the thread has already comes beside it under a name of its own', async () => {
    const copyIn = vi
      .fn<AttachmentRest['copyIn']>()
      .mockRejectedValueOnce(new RestError(409, 'file_exists', 'there'))
      .mockImplementationOnce((_thread, _path, _place, name = '') =>
        Promise.resolve({ path: name, size: 1, media_type: 'text/csv' })
      );
    const attached = attachments({ copyIn });
    attached.copyIn('data/t.csv');
    await settled();
    expect(itemsOf(attached.take())[0].path).toMatch(/^uploads\/[^/]+\/t\.csv$/);
  });
});

describe('what an at sign offers', () => {
  const notebook = (change: Partial<NotebookContext>): NotebookContext => ({
    mentions: () => [],
    cell: () => ({ type: 'cell' }),
    variables: () => Promise.resolve([]),
    filesIn: () => Promise.resolve([]),
    read: () => Promise.reject(new Error('no')),
    localPath: path => path,
    ...change
  });
  const offered = async (context: NotebookContext): Promise<{ labels: string[]; added: unknown[] }> => {
    const added: unknown[] = [];
    const receiving = {
      place: {},
      attachments: { add: (_label: string, item: ContextItem) => added.push(item) },
      snapshot: () => ({ view: EMPTY, files: [] })
    } as unknown as Receiving;
    const actions = alongActionsOf(receiving, {
      trans: nullTranslator.load(''),
      notebook: context
    } as unknown as Host);
    let labels: string[] = [];
    await actions.mentions(found => (labels = found.map(each => `${each.label} (${each.detail})`)));
    actions.choose('variable:df');
    return { labels, added };
  };
  const df = {
    name: 'df',
    detail: 'DataFrame 3x2 · a, b',
    item: { type: 'variable', notebook: 'n.ipynb', name: 'df' }
  } as const;

  it('are the variables of the notebook’s kernel; their values are left to the moment of sending', async () => {
    const { labels, added } = await offered(notebook({ variables: () => Promise.resolve([df]) }));
    expect(labels).toEqual(['df (DataFrame 3x2 · a, b)']);
    expect(added).toEqual([{ type: 'variable', notebook: 'n.ipynb', name: 'df' }]);
  });

  it('is what there is, where the kernel is busy or the folder cannot be listed', async () => {
    const busy = () => Promise.reject(new RestError(429, 'busy', 'It runs a cell.'));
    const files = { filesIn: () => Promise.resolve(['t.csv']) };
    expect((await offered(notebook({ ...files, variables: busy }))).labels).toEqual([
      't.csv (beside the notebook)'
    ]);
    const none = { filesIn: () => Promise.reject(new Error('no')), variables: () => Promise.resolve([df]) };
    expect((await offered(notebook(none))).labels).toHaveLength(1);
  });
});

describe('a message that is too long', () => {
  const opened = (): { thread: Thread; frames: ClientFrame[]; refuse: (frame: ClientFrame) => void } => {
    const frames: ClientFrame[] = [];
    let refuse: (frame: ClientFrame) => void = () => undefined;
    const rest = { liveUrl: () => '', files: async () => [] } as unknown as Rest;
    const page: Page = { answer: async () => ({ cells: ['much'] }), permissions: () => ({}) };
    const connect: Connect = (_, hearer) => {
      refuse = hearer.onTooLong;
      return { send: frame => frames.push(frame), nudge: () => undefined, close: () => undefined };
    };
    return { thread: new Thread('t', {}, rest, connect, page), frames, refuse: frame => refuse(frame) };
  };

  it('goes back to the composer with what went along, before what was written since, and says what to do', () => {
    const { thread, frames, refuse } = opened();
    thread.attachments.add('df', { type: 'variable', name: 'df' });
    thread.submit('long');
    thread.write('since');
    refuse(frames[0]);
    const { draft, along, view } = thread.snapshot();
    expect(draft).toBe('long\n\nsince');
    expect(along).toMatchObject([{ label: 'df', item: { type: 'variable', name: 'df' } }]);
    expect([view.pending, view.notice?.code]).toEqual([[], TOO_LONG]);
    thread.close();
  });

  it('keeps its words where they stood, if the composer did not send it', async () => {
    const { thread, frames, refuse } = opened();
    thread.send('long');
    refuse(frames[0]);
    expect(thread.snapshot().draft).toBe('');
    await vi.waitFor(() =>
      expect(thread.snapshot().view.pending).toMatchObject([
        { content: 'long', state: 'failed', refusal: { code: TOO_LONG } }
      ])
    );
    thread.close();
  });

  it('is no message: a notebook that is too long is refused to the server, which waits for it', () => {
    const { thread, frames, refuse } = opened();
    refuse({ kind: 'notebook', id: 'n1', value: { cells: [] } });
    expect(frames).toMatchObject([{ kind: 'notebook', id: 'n1', error: { code: 'malformed' } }]);
    thread.close();
  });
});

describe('a draft', () => {
  const storage = (): Storage => {
    const kept = new Map<string, string>();
    return {
      get length() {
        return kept.size;
      },
      key: (place: number) => [...kept.keys()][place] ?? null,
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key)
    } as Storage;
  };
  const ready: Along = {
    id: '1',
    label: 'a.csv',
    state: 'ready',
    item: { type: 'file', path: 'a.csv' },
    come: 0,
    size: 0,
    refusal: null
  };

  it('is its own thread’s on its own server, and gone when it is sent', () => {
    const page = storage();
    const drafts = new Drafts('/a/', page);
    drafts.write('t1', { text: 'half', along: [ready, { ...ready, id: '2', item: null }] }, 'n.ipynb', true);
    expect(new Drafts('/a/', page).read('t1')).toMatchObject({ text: 'half', along: [{ id: '1' }] });
    expect(new Drafts('/a/', page).read('t2').text).toBe('');
    expect(new Drafts('/b/', page).read('t1').text).toBe('');
    drafts.write('t1', { text: '', along: [] }, 'n.ipynb', true);
    expect(page.length).toBe(0);
  });

  it('of a thread that never began is found by its notebook, and never by another', () => {
    let now = 1;
    const drafts = new Drafts('/', storage(), () => now++);
    drafts.write('begun', { text: 'x', along: [] }, 'n.ipynb', false);
    drafts.write('old', { text: 'x', along: [] }, 'n.ipynb', true);
    drafts.write('new', { text: 'x', along: [] }, 'n.ipynb', true);
    expect(drafts.unsent('n.ipynb')).toBe('new');
    expect(drafts.unsent('m.ipynb')).toBeNull();
    expect(drafts.unsent(null)).toBeNull();
  });

  /** A page that opens the thread and keeps its drafts in `page`. */
  const open = (
    page: Storage
  ): { thread: Thread; sent: ClientFrame[]; hear: (frame: ServerFrame) => void } => {
    const sent: ClientFrame[] = [];
    let hear: (frame: ServerFrame) => void = () => undefined;
    const connect: Connect = (_url, hearer) => {
      hear = hearer.onFrame;
      return { send: frame => sent.push(frame), nudge: () => undefined, close: () => undefined };
    };
    const rest = { liveUrl: (id: string) => id } as unknown as ThreadRest;
    const thread = new Thread('t', { notebook: 'n.ipynb' }, rest, connect, null, new Drafts('/', page));
    return { thread, sent, hear: frame => hear(frame) };
  };

  it('brings back what no server confirmed, which is sent again as the same message', () => {
    const page = storage();
    const before = open(page);
    before.thread.send('said on a train');
    before.thread.write('and then');
    before.thread.close();

    const after = open(page);
    expect(after.sent).toEqual(before.sent);
    expect(after.thread.snapshot()).toMatchObject({
      draft: 'and then',
      view: { pending: [{ content: 'said on a train', state: 'sending' }] }
    });
    expect(new Drafts('/', page).unsent('n.ipynb')).toBe('t');
    after.hear({ kind: 'ack', id: after.sent[0].id, seq: 1 } as ServerFrame);
    expect(open(page).sent).toEqual([]);
  });

  it('is written down when something of it changes, not with each piece of an answer', () => {
    const page = storage();
    const { thread, sent, hear } = open(page);
    thread.send('refused');
    hear({ kind: 'nack', id: sent[0].id, code: 'conflict', message: 'no' });
    const write = vi.spyOn(page, 'setItem');
    const piece = { type: EventType.TEXT_MESSAGE_CONTENT, messageId: 'm', delta: 'x' } as const;
    for (let n = 1; n < 20; n += 1) {
      hear({ kind: 'event', run_id: 'r', n, event: piece });
    }
    expect(write).not.toHaveBeenCalled();
    thread.write('said in other words');
    expect(write).toHaveBeenCalledOnce();
  });

  it('a day old holds the words of such messages, which nothing sends by itself', () => {
    const page = storage();
    const pending = (id: string, content: string): Pending => {
      return { id, content, state: 'sending', seq: null, refusal: null };
    };
    const unconfirmed = [pending('1', 'first'), pending('2', 'second')];
    new Drafts('/', page, () => 0).write('t', { text: 'third', along: [], unconfirmed }, null, false);
    const next = new Drafts('/', page, () => 25 * 3600 * 1000).read('t');
    expect(next).toEqual({ text: 'first\n\nsecond\n\nthird', along: [] });
  });

  it('is forgotten after a month, and nothing fails where nothing may be kept', () => {
    const page = storage();
    new Drafts('/', page, () => 0).write('t', { text: 'x', along: [] }, null, true);
    expect(new Drafts('/', page, () => 31 * 24 * 3600 * 1000).read('t').text).toBe('');
    const forbidden = new Proxy({} as Storage, {
      get: () => {
        throw new DOMException('no', 'SecurityError');
      }
    });
    const drafts = new Drafts('/', forbidden);
    drafts.write('t', { text: 'x', along: [] }, null, true);
    expect(drafts.read('t').text).toBe('');
    expect(new Drafts('/', null).unsent(null)).toBeNull();
  });
});
