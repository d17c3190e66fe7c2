// @vitest-environment jsdom
import { actions, host, shownIn } from './host';

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Rest } from '../src/client/rest';
import type { Hearer } from '../src/client/wire';
import type { AlongActions } from '../src/components/alongActions';
import { CellDiff } from '../src/components/CellDiff';
import { Compare } from '../src/components/Compare';
import type { CompareProps } from '../src/components/Compare';
import { UsageChip } from '../src/components/UsageChip';
import type { CompareTab } from '../src/lab/compare';
import { linkedIn } from '../src/lab/links';
import { compareTabs } from '../src/lab/tabs';
import type { ClientFrame } from '../src/protocol';
import { mergedAlong } from '../src/store/along';
import type { Along } from '../src/store/along';
import { Comparison, freshPanes, MOST_PANES } from '../src/store/compare';
import { diffOf } from '../src/store/diff';
import { hear } from '../src/store/reducer';
import type { Shown } from '../src/store/thread';
import { OpenThreads } from '../src/store/threads';
import { spentIn } from '../src/store/usage';
import { EMPTY } from '../src/store/view';
import type { IChatSessions } from '../src/tokens';
import { conversation, Server } from './server';

afterEach(cleanup);
beforeEach(() => vi.clearAllMocks());

interface Room {
  readonly threads: OpenThreads;
  readonly sent: Map<string, ClientFrame[]>;
  readonly hearers: Map<string, Hearer>;
  /** Files that were put: the thread, the path. */
  readonly put: readonly (readonly [string, string])[];
}

function room(): Room {
  const sent = new Map<string, ClientFrame[]>();
  const put: [string, string][] = [];
  const hearers = new Map<string, Hearer>();
  const rest = {
    liveUrl: (id: string) => id,
    files: async () => [],
    putFile: async (threadId: string, path: string) => {
      put.push([threadId, path]);
      return { path, received: 0 };
    }
  } as unknown as Rest;
  const threads = new OpenThreads(rest, (url, hearer) => {
    const [id] = url(0).split('?');
    const frames: ClientFrame[] = [];
    sent.set(id, frames);
    hearers.set(id, hearer);
    return { send: frame => frames.push(frame), nudge: () => undefined, close: () => sent.delete(id) };
  });
  return { threads, sent, hearers, put };
}

describe('a comparison', () => {
  test('asks each model in a thread of its own, from the first word on', () => {
    const { threads, sent } = room();
    const both = new Comparison(threads, { notebook: 'a.ipynb' }, freshPanes(['one', '']));
    both.send('hello');
    const [first, second] = both.value.panes.map(pane => pane.threadId);
    expect(first).not.toBe(second);
    expect(sent.get(first)).toMatchObject([{ content: 'hello', options: { model: 'one' } }]);
    expect(sent.get(second)).toMatchObject([{ content: 'hello', options: { model: null } }]);
  });

  test('keeps each id with its pane while panes come, go and change who answers', () => {
    const { threads, sent } = room();
    const all = new Comparison(threads, {}, freshPanes(['a', 'b']));
    const [first, second] = all.kept.map(pane => pane.threadId);
    all.add('c');
    all.choose(second, 'other');
    all.drop(first);
    all.send('x');
    expect(sent.get(first)).toEqual([]);
    expect(all.kept.map(pane => pane.model)).toEqual(['other', 'c']);
    expect(all.kept[0].threadId).toBe(second);
    expect(sent.get(second)).toMatchObject([{ options: { model: 'other' } }]);
  });

  test('comes back with the ids and models it was kept with', () => {
    const { threads } = room();
    const first = new Comparison(threads, {}, freshPanes(['a', 'b']));
    expect(new Comparison(threads, {}, JSON.parse(JSON.stringify(first.kept))).kept).toEqual(first.kept);
  });

  test('is kept with the layout when its panes change, not with each word that is written', async () => {
    const save = vi.spyOn(WidgetTracker.prototype, 'save').mockResolvedValue();
    const { threads } = room();
    const shell = { add: (tab: CompareTab) => void (opened = tab), activateById: vi.fn() };
    let opened: CompareTab | undefined;
    const sessions = { host, threads, rest: { models: async () => ({ models: [] }) } };
    const [app, given] = [{ shell }, sessions] as unknown as [JupyterFrontEnd, IChatSessions];
    compareTabs(app, given, null, vi.fn(), () => null)({});
    const comparison = opened?.content.comparison;
    save.mockClear();
    'which is better?'.split('').forEach((_, end) => comparison?.write('which is better?'.slice(0, end)));
    expect(save).not.toHaveBeenCalled();
    comparison?.add('');
    expect(save).toHaveBeenCalledOnce();
    opened?.dispose();
    save.mockRestore();
  });

  test('shows no more panes than fit', () => {
    const { threads } = room();
    const many = new Comparison(threads, {}, freshPanes(['', '', '']));
    many.add('');
    many.add('');
    expect(many.kept).toHaveLength(MOST_PANES);
  });

  test('brings what goes along to each thread as its own, also to one that is added later, once', async () => {
    const { threads, sent, put } = room();
    const all = new Comparison(threads, {}, freshPanes(['a', 'b']));
    const merged = () => mergedAlong(all.value.panes.map(({ thread }) => thread.attachments.value));
    all.attachments.upload(new File([], 'data.csv'));
    all.attachments.add('df', { type: 'variable', name: 'df' });
    all.add('c');
    await vi.waitFor(() => expect(merged().map(each => each.state)).toEqual(['ready', 'ready']));
    const ids = all.kept.map(pane => pane.threadId);
    expect(put.map(([thread]) => thread)).toEqual(ids);
    all.send('compare this');
    for (const [at, id] of ids.entries()) {
      const [frame] = sent.get(id) ?? [];
      const context = frame.kind === 'send' ? frame.options?.context : [];
      expect(context).toEqual([
        { type: 'file', path: put[at][1] },
        { type: 'variable', name: 'df' }
      ]);
    }
    expect(merged()).toEqual([]);
    all.add('d');
    all.send('again');
    expect(sent.get(ids[0])?.at(-1)).not.toHaveProperty('options.context');
  });

  test('what is taken away, or was to go along with a pane that is closed, stays nowhere', () => {
    const { threads } = room();
    const all = new Comparison(threads, {}, freshPanes(['a', 'b']));
    const [first, second] = all.value.panes.map(({ thread }) => thread.attachments);
    all.attachments.add('df', { type: 'variable', name: 'df' });
    all.attachments.add('x', { type: 'variable', name: 'x' });
    all.attachments.remove(first.value[0].id);
    expect([first, second].map(each => each.value.map(({ label }) => label))).toEqual([['x'], ['x']]);
    all.drop(all.kept[0].threadId);
    expect([first.value.length, second.value.length]).toEqual([0, 1]);
    all.close();
    expect(second.value).toEqual([]);
  });

  test('of what goes along the slowest copy is told', () => {
    const at = (state: Along['state'], come = 0): readonly Along[] => [
      { id: '1', label: 'f', state, item: null, come, size: 9, refusal: null }
    ];
    expect(mergedAlong([at('ready'), at('coming', 5), at('coming', 3)])).toEqual(at('coming', 3));
    expect(mergedAlong([at('coming'), at('failed'), at('ready')])).toEqual(at('failed'));
    expect(mergedAlong([at('ready'), []])).toHaveLength(1);
  });

  test('lets go of each thread once', () => {
    vi.useFakeTimers();
    const { threads, sent } = room();
    const both = new Comparison(threads, {}, freshPanes(['', '']));
    const [first, second] = both.kept.map(pane => pane.threadId);
    threads.take(first, {});
    both.close();
    both.close();
    vi.advanceTimersByTime(60_000);
    expect([...sent.keys()]).toEqual([first]);
    expect(sent.has(second)).toBe(false);
    vi.useRealTimers();
  });

  test('who goes on with one alone goes on with its model, whatever code was run in between', () => {
    const { threads, sent, hearers } = room();
    const thread = threads.take('t', {});
    const server = new Server();
    const turn = (question: string, run: string, parent: string | null, model: string): void => {
      server.ask(question, run, model === 'direct' ? '```python\nx\n```' : question);
      server.start(question, run, parent, model);
      server.say(`by ${run}`, ['yes']);
      server.end();
    };
    turn('q1', 'r1', null, 'openai:one');
    turn('q2', 'r2', 'r1', 'direct');
    hearers.get('t')?.onFrame(server.hello());
    thread.send('go on');
    thread.send('/model other');
    thread.send('by name', { model: 'named' });
    thread.send('by choice of the server', { model: null });
    const models = sent.get('t')?.map(frame => (frame.kind === 'send' ? frame.options?.model : frame));
    expect(models).toEqual(['openai:one', undefined, 'named', null]);
  });
});

describe('a link', () => {
  const one = '0f14e45f-ceea-467f-9575-2d3c3c8a2d11';
  const two = '1f14e45f-ceea-467f-9575-2d3c3c8a2d11';
  const follow = (search: string): ReturnType<typeof linkedIn> =>
    linkedIn({ path: '/lab', search, hash: '' });

  test('names a chat, or panes with their models, and leaves the rest of the address', () => {
    expect(follow(`?chat=${one.toUpperCase()}&reset`)).toMatchObject({
      chat: one,
      panes: null,
      rest: '/lab?reset='
    });
    expect(follow(`?compare=${one},${two}&models=a,b`)).toEqual({
      chat: null,
      panes: [
        { threadId: one, model: 'a' },
        { threadId: two, model: 'b' }
      ],
      rest: '/lab'
    });
  });

  test('without ids begins with fresh ones, each another; what is no id is left out', () => {
    const ids = [follow('?compare'), follow('?compare=../x,con')].flatMap(
      ({ panes }) => panes?.map(pane => pane.threadId) ?? []
    );
    expect(new Set(ids).size).toBe(4);
    expect(ids.join()).not.toContain('con');
    expect(follow('?chat=nonsense').chat).toBeNull();
    expect(follow(`?compare=${one},${one}`).panes?.map(pane => pane.threadId)[1]).not.toBe(one);
  });
});

describe('on screen', () => {
  const shown = (view = EMPTY, change: Partial<Shown> = {}): Shown => ({
    view,
    connection: 'live',
    tries: 0,
    draft: '',
    isLoadingOlder: false,
    files: [],
    ...change
  });
  const props = (change: Partial<CompareProps> = {}): CompareProps => ({
    panes: ['a', 'b'].map(id => ({
      id,
      model: id,
      shown: shown(hear(EMPTY, conversation().hello())),
      actions
    })),
    draft: 'to all',
    models: ['direct'],
    mayAdd: true,
    along: [],
    alongActions: actions as unknown as AlongActions,
    onAskModel: vi.fn(),
    onWrite: vi.fn(),
    onSend: vi.fn(),
    onStop: vi.fn(),
    onChoose: vi.fn(),
    onAdd: vi.fn(),
    onDrop: vi.fn(),
    onKeep: vi.fn(),
    ...change
  });

  test('one composer sends, each pane has its own answers, model, and way to go on', () => {
    const given = props();
    render(shownIn(<Compare {...given} />));
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    expect(given.onSend).toHaveBeenCalledExactlyOnceWith('to all');
    expect(screen.getAllByRole('log')).toHaveLength(2);
    fireEvent.click(screen.getAllByRole('button', { name: 'Go on with this one' })[1]);
    expect(given.onKeep).toHaveBeenCalledExactlyOnceWith('b');
    fireEvent.click(screen.getAllByRole('button', { name: 'Take this pane away' })[0]);
    expect(given.onDrop).toHaveBeenCalledExactlyOnceWith('a');
    const model = screen.getAllByLabelText('Model')[0];
    fireEvent.change(model, { target: { value: ' other ' } });
    fireEvent.keyDown(model, { key: 'Escape' });
    fireEvent.blur(model);
    expect(given.onChoose).not.toHaveBeenCalled();
    fireEvent.change(model, { target: { value: ' other ' } });
    fireEvent.keyDown(model, { key: 'Enter' });
    fireEvent.blur(model);
    expect(given.onChoose).toHaveBeenCalledExactlyOnceWith('a', 'other');
  });

  test('before anything is asked it says where panes would be answered alike, and offers to choose', () => {
    const fresh = (id: string, model: string) => ({
      id,
      model,
      shown: shown(hear(EMPTY, new Server().hello())),
      actions
    });
    const given = props({ panes: [fresh('a', ''), fresh('b', 'direct')] });
    const { rerender } = render(shownIn(<Compare {...given} />));
    fireEvent.click(screen.getByRole('button', { name: 'Choose a model' }));
    expect(given.onAskModel).toHaveBeenCalledExactlyOnceWith('b');
    const models = ['direct', 'openai:one', 'openai:two'];
    const alike = [fresh('a', 'openai:one'), fresh('b', 'openai:one')];
    rerender(shownIn(<Compare {...props({ panes: alike, models })} />));
    expect(screen.getByRole('button', { name: 'Choose another' })).toBeDefined();
    const different = [fresh('a', 'openai:one'), fresh('b', 'openai:two')];
    rerender(shownIn(<Compare {...props({ panes: different, models })} />));
    expect(screen.queryByText(/same/)).toBeNull();
    rerender(shownIn(<Compare {...props()} />));
    expect(screen.queryByText(/same/)).toBeNull();
  });

  test('Stop is there while any of them answers, and nothing can be sent only where none can be sent to', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    const quiet = { id: 'a', model: '', shown: shown(), actions };
    const closed = { ...quiet, shown: shown(EMPTY, { connection: 'closed' }) };
    const busy = { id: 'b', model: '', shown: shown(hear(EMPTY, server.hello())), actions };
    const { rerender } = render(shownIn(<Compare {...props({ panes: [closed, busy] })} />));
    expect(screen.getByRole('button', { name: 'Stop' })).toBeDefined();
    expect(screen.getByRole('textbox', { name: 'Message' })).toHaveProperty('disabled', false);
    rerender(shownIn(<Compare {...props({ panes: [closed, { ...closed, id: 'c' }] })} />));
    expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull();
    expect(screen.getByRole('textbox', { name: 'Message' })).toHaveProperty('disabled', true);
  });
});

describe('tokens', () => {
  const run = (id: string, parent: string | null, usage: object | null): object => ({
    run_id: id,
    message_id: id,
    parent_run_id: parent,
    outcome: 'success',
    error: null,
    model: null,
    usage,
    seq: 1,
    message_ids: []
  });
  const spent = (...usages: readonly (object | null)[]): ReturnType<typeof spentIn> =>
    spentIn({
      ...EMPTY,
      head: `r${usages.length - 1}`,
      runs: new Map(
        usages.map((usage, at) => [`r${at}`, run(`r${at}`, at ? `r${at - 1}` : null, usage)])
      ) as never
    });

  test('are summed along the path; context is the newest answer’s; cost only where all of it is known', () => {
    expect(spent(null, null)).toBeNull();
    const one = { input_tokens: 10, output_tokens: 2, cost: 0.5 };
    const two = { input_tokens: 30, output_tokens: 4, context_tokens: 34, context_limit: 100 };
    expect(spent(one, two)).toEqual({
      input: 40,
      output: 6,
      context: 34,
      limit: 100,
      cost: null,
      isWhole: true
    });
    expect(spent(one, one)?.cost).toBe(1);
  });

  test('of a conversation that is read in part are said to be those of that part', () => {
    const known = { input: 1200, output: 80, context: null, limit: null, cost: 0.25 };
    const { rerender } = render(shownIn(<UsageChip spent={{ ...known, isWhole: true }} />));
    expect(screen.getByRole('group').textContent).toBe('1.3K tokens · $0.25');
    expect(screen.getByRole('group').title).not.toContain('Earlier');
    rerender(shownIn(<UsageChip spent={{ ...known, isWhole: false }} />));
    expect(screen.getByRole('group').textContent).toBe('1.3K+ tokens · $0.25+');
    expect(screen.getByRole('group').title).toContain(
      'Earlier messages are not counted until they are shown.'
    );
    const usage = { input_tokens: 1, output_tokens: 1 };
    expect(
      spentIn({ ...EMPTY, head: 'b', runs: new Map([['b', run('b', 'a', usage)]]) as never })?.isWhole
    ).toBe(false);
  });

  test('are shown with a gauge only where the limit is known, and a price only where it is', () => {
    const { rerender } = render(
      shownIn(
        <UsageChip spent={{ input: 1200, output: 80, context: 50, limit: 200, cost: 0.25, isWhole: true }} />
      )
    );
    expect(screen.getByRole('meter').getAttribute('aria-valuenow')).toBe('25');
    expect(screen.getByRole('group').textContent).toBe('1.3K tokens · $0.25');
    rerender(
      shownIn(
        <UsageChip spent={{ input: 1, output: 1, context: 2, limit: null, cost: null, isWhole: true }} />
      )
    );
    expect(screen.queryByRole('meter')).toBeNull();
    expect(screen.getByText(/2 tokens/).textContent).not.toContain('$');
    rerender(shownIn(<UsageChip spent={null} />));
    expect(screen.queryByText(/tokens/)).toBeNull();
  });
});

describe('what changes in a cell', () => {
  test.each([
    ['a\nb\nc', 'a\nx\nc', ' a,-b,+x, c'],
    ['', 'a', '+a'],
    ['a', '', '-a'],
    ['a\nb', 'b\na', '-a, b,+a'],
    ['same', 'same', ' same'],
    ['a\na\nb', 'a\nb', ' a,-a, b']
  ])('%j → %j', (before, after, expected) => {
    const sign = { same: ' ', gone: '-', new: '+' };
    expect(
      diffOf(before, after)
        .map(({ kind, text }) => sign[kind] + text)
        .join()
    ).toBe(expected);
  });

  test('both texts can be read back from it, however long they are', () => {
    const text = (seed: number, length: number): string =>
      Array.from({ length }, (_, at) => String((at * seed) % 7)).join('\n');
    for (const [one, other] of [
      [text(3, 60), text(5, 70)],
      [text(1, 3000), text(2, 3000)]
    ]) {
      const diff = diffOf(one, other);
      const without = (kind: string): string =>
        diff
          .filter(line => line.kind !== kind)
          .map(line => line.text)
          .join('\n');
      expect(without('new')).toBe(one);
      expect(without('gone')).toBe(other);
    }
  });

  test('is told in words, not by colour alone', () => {
    render(<CellDiff trans={host.trans} before={'a\nb'} after={'a\nc'} />);
    expect(screen.getByText('removed:').textContent).toBe('removed: ');
    expect(screen.getByText(/1 lines added, 1 removed/)).toBeDefined();
  });
});
