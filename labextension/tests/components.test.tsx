// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { actions, host, rendering, renders, show, shownIn } from './host';
import type { StoredFile, ThreadRow } from '../src/client/rest';
import type { AlongActions } from '../src/components/alongActions';
import { Chat } from '../src/components/Chat';
import { Composer } from '../src/components/Composer';
import { ConfirmButton, ARMED } from '../src/components/ConfirmButton';
import { DEFAULTS } from '../src/components/host';
import { groupsOf, SessionList } from '../src/components/SessionList';
import { chatIcon } from '../src/icons';
import { ToolCard } from '../src/components/ToolCard';
import type { ToolCardProps } from '../src/components/ToolCard';
import { Markdown } from '../src/markdown/Markdown';
import { EventType } from '../src/protocol';
import { hear, say } from '../src/store/reducer';
import type { Along } from '../src/store/along';
import { EMPTY } from '../src/store/view';
import { conversation, Server } from './server';

afterEach(cleanup);

describe('the composer', () => {
  const props = { isRunning: false, blocked: null, onWrite: vi.fn(), onSend: vi.fn(), onStop: vi.fn() };
  beforeEach(() => vi.clearAllMocks());

  test('sends by Enter, not by Shift+Enter, and not while an input method composes', () => {
    render(shownIn(<Composer {...props} draft=" hi " />));
    const area = screen.getByRole('textbox', { name: 'Message' });
    fireEvent.keyDown(area, { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(area, { key: 'Enter', isComposing: true });
    fireEvent.keyDown(area, { key: 'Enter', keyCode: 229 });
    expect(props.onSend).not.toHaveBeenCalled();
    fireEvent.keyDown(area, { key: 'Enter' });
    expect(props.onSend).toHaveBeenCalledExactlyOnceWith('hi');
    expect(props.onWrite).toHaveBeenCalledExactlyOnceWith('');
  });

  test('sends by Shift+Enter and not by Enter, where that is set', () => {
    const preferences = { ...host.preferences, value: { ...DEFAULTS, sendKey: 'Shift+Enter' as const } };
    render(shownIn(<Composer {...props} draft="hi" />, { ...host, preferences }));
    const area = screen.getByRole('textbox', { name: 'Message' });
    fireEvent.keyDown(area, { key: 'Enter' });
    expect(props.onSend).not.toHaveBeenCalled();
    fireEvent.keyDown(area, { key: 'Enter', shiftKey: true });
    expect(props.onSend).toHaveBeenCalledExactlyOnceWith('hi');
  });

  test('has the focus again after a button of it that goes: Send, Stop, the removal of what goes along', async () => {
    const along: Along[] = [
      { id: '1', label: 'a.csv', state: 'ready', item: null, come: 0, size: 0, refusal: null }
    ];
    const failed: Along[] = [{ ...along[0], state: 'failed', refusal: 'no' }];
    const alongActions = { remove: vi.fn(), retry: vi.fn() } as unknown as AlongActions;
    const { rerender } = render(
      shownIn(<Composer {...props} draft="hi" isRunning along={along} alongActions={alongActions} />)
    );
    for (const name of ['Send', 'Stop', 'Remove a.csv']) {
      await userEvent.click(screen.getByRole('button', { name }));
      expect(document.activeElement, name).toBe(screen.getByRole('textbox', { name: 'Message' }));
    }
    expect(props.onSend).toHaveBeenCalledOnce();
    expect(props.onStop).toHaveBeenCalledOnce();
    expect(alongActions.remove).toHaveBeenCalledExactlyOnceWith('1');
    rerender(shownIn(<Composer {...props} draft="hi" along={failed} alongActions={alongActions} />));
    await userEvent.click(screen.getByRole('button', { name: 'Try again: a.csv' }));
    expect(alongActions.retry).toHaveBeenCalledExactlyOnceWith('1');
    expect(document.activeElement).toBe(screen.getByRole('textbox', { name: 'Message' }));
  });

  test('sends nothing that is blank', () => {
    render(shownIn(<Composer {...props} draft={'  \n'} />));
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'Enter' });
    expect(props.onSend).not.toHaveBeenCalled();
    expect(screen.getByRole('button', { name: 'Send' })).toHaveProperty('disabled', true);
  });

  test('refuses what is too long before it is sent, and offers to attach it as a file', async () => {
    const upload = vi.fn();
    const alongActions = { upload } as unknown as AlongActions;
    const long = 'é'.repeat(10_000);
    const { rerender } = render(
      shownIn(<Composer {...props} draft={long} most={40_000} alongActions={alongActions} />)
    );
    expect(screen.queryByText(/too long/)).toBeNull();
    rerender(shownIn(<Composer {...props} draft={long} most={29_000} alongActions={alongActions} />));
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'Enter' });
    expect(props.onSend).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Attach it as a file' }));
    const [[[file]]] = upload.mock.calls as [[[File]]];
    expect([file.name, file.size]).toEqual(['message.txt', 20_000]);
    expect(props.onWrite).toHaveBeenCalledExactlyOnceWith('');
  });

  test('stops what runs, by its button and by Escape, and can still send the next message', () => {
    render(shownIn(<Composer {...props} isRunning draft="next" />));
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'Escape' });
    expect(props.onStop).toHaveBeenCalledTimes(2);
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    expect(props.onSend).toHaveBeenCalledExactlyOnceWith('next');
  });
});

describe('a button that must be confirmed', () => {
  const setup = (): { onConfirm: ReturnType<typeof vi.fn>; button: () => HTMLElement } => {
    const onConfirm = vi.fn();
    render(
      <ConfirmButton icon={chatIcon} label="Delete" confirmLabel="Confirm delete" onConfirm={onConfirm} />
    );
    return { onConfirm, button: () => screen.getByRole('button') };
  };

  test('acts at its second click', () => {
    const { onConfirm, button } = setup();
    fireEvent.click(button());
    expect(button().getAttribute('aria-label')).toBe('Confirm delete');
    expect(onConfirm).not.toHaveBeenCalled();
    fireEvent.click(button());
    expect(onConfirm).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['three seconds', (): void => act(() => void vi.advanceTimersByTime(ARMED))],
    ['Escape', (): void => void fireEvent.keyDown(screen.getByRole('button'), { key: 'Escape' })],
    ['leaving it', (): void => void fireEvent.blur(screen.getByRole('button'))]
  ])('is disarmed by %s', (_, disarm) => {
    vi.useFakeTimers();
    const { onConfirm, button } = setup();
    fireEvent.click(button());
    disarm();
    expect(button().getAttribute('aria-label')).toBe('Delete');
    fireEvent.click(button());
    expect(onConfirm).not.toHaveBeenCalled();
    vi.useRealTimers();
  });
});

describe('the list', () => {
  const row = (id: string, title: string): ThreadRow => ({
    thread_id: id,
    title,
    created: '2026-11-21T10:00:00Z',
    updated: '2020-11-21T10:00:00Z',
    message_count: 1,
    preview: 'words',
    notebook: 'report.ipynb',
    folder: 'analysis',
    running: id === 'a'
  });
  const here = [row('a', 'Alpha'), row('b', 'Beta')];
  const elsewhere = [row('c', 'Gamma')];
  const acts = { onOpen: vi.fn(), onRename: vi.fn(), onDelete: vi.fn(), onRefresh: vi.fn() };
  beforeEach(() => {
    vi.clearAllMocks();
    render(
      shownIn(
        <SessionList
          here={here}
          elsewhere={elsewhere}
          error={null}
          current="b"
          unread={new Set(['c'])}
          {...acts}
        />
      )
    );
  });
  const opener = (title: RegExp): HTMLElement =>
    screen.getByRole('button', { name: new RegExp(`^${title.source}`) });

  test('shows what runs first, then this notebook, and says which thread is shown, runs, or has news', () => {
    const groups = screen.getAllByRole('region');
    expect(groups.map(each => each.getAttribute('aria-label'))).toEqual([
      'Running',
      'This notebook',
      'Older'
    ]);
    expect(within(groups[0]).getByText('Alpha')).toBeTruthy();
    expect(within(groups[2]).getByText('Gamma')).toBeTruthy();
    expect(opener(/Beta/).getAttribute('aria-current')).toBe('true');
    expect(opener(/Alpha/).getAttribute('aria-current')).toBeNull();
    expect(within(opener(/Alpha/)).getByRole('img', { name: 'running' })).toBeTruthy();
    expect(within(opener(/Gamma/)).getByRole('img', { name: 'new answer' })).toBeTruthy();
  });

  test('has each thread in one group: what runs, this notebook, today, older', () => {
    const now = new Date(2026, 10, 21, 14);
    const at = (id: string, updated: Date): ThreadRow => ({ ...row(id, id), updated: updated.toISOString() });
    const today = at('t', new Date(2026, 10, 21, 0, 1));
    const yesterday = at('y', new Date(2026, 10, 20, 23, 59));
    const running = { ...at('r', now), running: true };
    const groups = groupsOf([at('h', now)], [today, yesterday, running], now);
    expect(groups.map(({ name, rows }) => [name, rows.map(each => each.thread_id)])).toEqual([
      ['running', ['r']],
      ['here', ['h']],
      ['today', ['t']],
      ['older', ['y']]
    ]);
  });

  test('puts what programs began behind all that people did, until it runs', () => {
    const now = new Date();
    const row = (id: string, change: Partial<ThreadRow>): ThreadRow =>
      ({ thread_id: id, updated: now.toISOString(), running: false, ...change }) as ThreadRow;
    const mine = row('mine', {});
    const here = row('here', { origin: 'openai' });
    const groups = groupsOf(
      [here],
      [mine, row('m', { origin: 'mcp' }), row('busy', { origin: 'ag-ui', running: true })],
      now
    );
    expect(groups.map(({ name, rows }) => [name, rows.map(each => each.thread_id)])).toEqual([
      ['running', ['busy']],
      ['today', ['mine']],
      ['programs', ['here', 'm']]
    ]);
  });

  test('says what a chat is about once: a preview that begins with the title is left out', () => {
    const preview = (title: string, words: string): string | null => {
      cleanup();
      const only = { ...row('d', title), preview: words };
      render(
        shownIn(
          <SessionList
            here={[only]}
            elsewhere={[]}
            error={null}
            current={null}
            unread={new Set()}
            {...acts}
          />
        )
      );
      return document.querySelector('.jcs-Row-preview')?.textContent ?? null;
    };
    expect(preview('Why does it…', 'Why does it rise?')).toBeNull();
    expect(preview('Losses', '**Why** does `it` rise?')).toBe('Why does it rise?');
    expect(preview('', 'Why does it rise?')).toBe('Why does it rise?');
  });

  test('is walked and opened by keys alone', async () => {
    opener(/Alpha/).focus();
    await userEvent.keyboard('{ArrowDown}{Enter}{End}{Enter}');
    expect(acts.onOpen.mock.calls.map(([each]) => (each as ThreadRow).thread_id)).toEqual(['b', 'c']);
  });

  test('renames by F2 and Enter, and the focus comes back to the row', async () => {
    opener(/Alpha/).focus();
    await userEvent.keyboard('{F2}Omega{Enter}');
    expect(acts.onRename).toHaveBeenCalledExactlyOnceWith(here[0], 'Omega');
    expect(document.activeElement).toBe(opener(/Alpha/));
  });

  test('keeps a new title when the field is left, and drops it at Escape', async () => {
    await userEvent.dblClick(opener(/Alpha/));
    await userEvent.keyboard('Omega{Escape}');
    expect(acts.onRename).not.toHaveBeenCalled();
    await userEvent.dblClick(opener(/Alpha/));
    await userEvent.keyboard('Omega');
    await userEvent.tab();
    expect(acts.onRename).toHaveBeenCalledExactlyOnceWith(here[0], 'Omega');
  });

  test('leaves the focus where a person has put it while a title was changed', async () => {
    await userEvent.dblClick(opener(/Alpha/));
    await userEvent.keyboard('Omega');
    await userEvent.click(opener(/Beta/));
    expect(acts.onRename).toHaveBeenCalledExactlyOnceWith(here[0], 'Omega');
    expect(document.activeElement).toBe(opener(/Beta/));
  });

  test('renames nothing where the title is left as it was, also one that is not there yet', async () => {
    cleanup();
    const untitled = row('d', '');
    render(
      shownIn(
        <SessionList
          here={[untitled]}
          elsewhere={[]}
          error={null}
          current={null}
          unread={new Set()}
          {...acts}
        />
      )
    );
    opener(/Untitled chat/).focus();
    await userEvent.keyboard('{F2}{Enter}{F2}  {Enter}');
    expect(acts.onRename).not.toHaveBeenCalled();
    await userEvent.keyboard('{F2}Omega{Enter}');
    expect(acts.onRename).toHaveBeenCalledExactlyOnceWith(untitled, 'Omega');
  });

  test('deletes at the second click', async () => {
    await userEvent.click(screen.getByRole('button', { name: 'Delete Alpha' }));
    expect(acts.onDelete).not.toHaveBeenCalled();
    await userEvent.click(screen.getByRole('button', { name: 'Confirm delete' }));
    expect(acts.onDelete).toHaveBeenCalledExactlyOnceWith(here[0]);
  });
});

/** What took long is rendered again after a pause. */
const PATIENT = { timeout: 5000 };

describe('Markdown', () => {
  test('that grows renders its last blocks only, and ends as if it had come whole', async () => {
    const text = Array.from({ length: 40 }, (_, index) => `Paragraph **${index}**.`).join('\n\n');
    const { container, rerender } = render(shownIn(<Markdown text="" />));
    renders.count = 0;
    for (let end = 10; end < text.length + 10; end += 10) {
      rerender(shownIn(<Markdown text={text.slice(0, end)} />));
      await act(async () => undefined);
    }
    const words = text.replaceAll('**', '').replaceAll('\n\n', '\n');
    await waitFor(() => expect(container.textContent?.trim()).toBe(words), PATIENT);
    expect(renders.count).toBeLessThan((text.length / 10) * 2);
    expect(container.querySelectorAll('strong')).toHaveLength(40);
  });

  test('that grows in a long fence renders only the end of it, and once it is closed, the whole', async () => {
    const code = Array.from({ length: 100 }, (_, index) => `a${index} = 1\n\n\n`).join('');
    const text = `Words.\n\n\`\`\`python\n${code}`;
    const sources: string[] = [];
    const within = { ...host, rendermime: rendering(source => sources.push(source)) };
    const { container, rerender } = render(shownIn(<Markdown text="" />, within));
    for (let end = 30; end < text.length + 30; end += 30) {
      rerender(shownIn(<Markdown text={text.slice(0, end)} />, within));
      await act(async () => undefined);
    }
    const shown = (): string[] =>
      Array.from(container.querySelectorAll('.jcs-Code pre'), each => each.textContent ?? '');
    await waitFor(() => expect(shown().join('').trimEnd()).toBe(code.trimEnd()), PATIENT);
    expect(shown().length).toBeGreaterThan(5);
    expect(Math.max(...sources.map(source => source.split('\n').length))).toBeLessThan(45);
    const parts = new Set(container.querySelectorAll('.jcs-Code .jcs-Rendered'));
    rerender(shownIn(<Markdown text={`${text}\`\`\`\n\nThe end.`} />, within));
    await waitFor(() => expect(shown().map(each => each.trimEnd())).toEqual([code.trimEnd()]), PATIENT);
    expect(parts.has(container.querySelector('.jcs-Code .jcs-Rendered') as Element)).toBe(true);
    expect(sources.filter(source => source.includes('a0 = 1') && source.includes('a99 = 1'))).toHaveLength(1);
  });

  test('of earlier answers, and blocks that are closed, are not rendered again while an answer comes', async () => {
    const server = new Server();
    const sources: string[] = [];
    const within = { ...host, rendermime: rendering(source => sources.push(source)) };
    let view = EMPTY;
    const chat = (): JSX.Element =>
      shownIn(
        <Chat
          shown={{ view, connection: 'live', tries: 0, draft: '', isLoadingOlder: false, files: [] }}
          actions={actions}
        />,
        within
      );
    server.ask('q0', 'r0');
    server.start('q0', 'r0', null);
    server.say('a0', ['Said **before**.']);
    server.end();
    view = hear(view, server.hello());
    const { container, rerender } = render(chat());
    await waitFor(() => expect(container.querySelectorAll('strong')).toHaveLength(1), PATIENT);
    const heard = server.frames.length;
    server.ask('q1', 'r1');
    server.start('q1', 'r1', 'r0');
    const paragraphs = Array.from({ length: 20 }, (_, index) => `Now **${index}** and more.`);
    server.say('a1', paragraphs.join('\n\n').match(/.{1,5}|\n+/g) ?? []);
    server.end();
    for (const frame of server.frames.slice(heard)) {
      view = hear(view, frame);
      rerender(chat());
      await act(async () => undefined);
    }
    await waitFor(
      () => expect(container.textContent?.match(/Now \d+ and more\./g)).toHaveLength(20),
      PATIENT
    );
    for (const closed of ['Said **before**.', ...paragraphs]) {
      expect(sources.filter(source => source === closed)).toEqual([closed]);
    }
  });

  test('offers its code to be copied and inserted, as it is without its fence', () => {
    const { container } = render(
      shownIn(<Markdown text={'Words.\n\n```python\na = [1]\n\nb = a[0]\n```\n\n[x]: /y'} />)
    );
    expect(container.querySelectorAll('.jcs-Code')).toHaveLength(1);
    fireEvent.click(screen.getByRole('button', { name: 'Copy the code' }));
    expect(host.copy).toHaveBeenCalledExactlyOnceWith('a = [1]\n\nb = a[0]');
    expect(screen.getByRole('button', { name: 'Copied' })).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: /^Insert below/ }));
    expect(host.insertBelow).toHaveBeenCalledExactlyOnceWith('a = [1]\n\nb = a[0]');
  });

  test('is sanitised', async () => {
    const { container } = render(
      shownIn(<Markdown text={'x <img src="y" onerror="z()"> <script>w()</script>'} />)
    );
    await waitFor(() => expect(container.querySelector('img')).not.toBeNull());
    expect(container.innerHTML).not.toMatch(/onerror|script/);
  });
});

describe('the chat', () => {
  const whole = hear(EMPTY, conversation().hello());

  test('looks at nothing that was said before, while an answer comes', async () => {
    const server = conversation();
    server.ask('q', 'r');
    server.start('q', 'r', 'r2');
    const begun = hear(EMPTY, server.hello());
    const piece = { type: EventType.TEXT_MESSAGE_CONTENT, messageId: 'm', delta: 'Now' } as const;
    const { rerender } = render(show(begun));
    await act(async () => undefined);
    const grown = hear(begun, { kind: 'event', run_id: 'r', n: 99, event: piece });
    const looks = [begun.runs, begun.messages].flatMap(map => [
      vi.spyOn(map, 'get'),
      vi.spyOn(map, 'values')
    ]);
    rerender(show(grown));
    await screen.findByText('Now', {}, PATIENT);
    expect(looks.map(look => look.mock.calls)).toEqual([[], [], [], []]);
  });

  test('shows each question and answer of the path once, and the tool call with its outputs', async () => {
    render(show(whole));
    expect(screen.getAllByRole('article', { name: 'You' })).toHaveLength(2);
    await screen.findByText('Better now.');
    expect(screen.queryByText('Not yet')).toBeNull();
    const card = screen.getByRole('region', { name: 'Tool run_python' });
    await waitFor(() => expect(card.textContent).toContain('one'));
    expect(card.textContent).toContain('plot()');
    fireEvent.click(within(card).getByRole('button', { name: /Run Python/ }));
    expect(within(card).queryByText('one')).toBeNull();
  });

  test('shows an image by the address the server gave, and other files to be downloaded', async () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    const toolCalls = [
      { id: 'c', type: 'function' as const, function: { name: 'run_python', arguments: '{}' } }
    ];
    server.line({
      type: 'message',
      run_id: 'r',
      message: { id: 'a', role: 'assistant', content: '', toolCalls }
    });
    server.line({
      type: 'message',
      run_id: 'r',
      message: {
        id: 't',
        role: 'tool',
        toolCallId: 'c',
        content: '',
        metadata: {
          jupyter: {
            outputs: [
              {
                output_type: 'display_data',
                data: { 'text/plain': '<Figure>' },
                metadata: { artifact: 'p.png' }
              },
              {
                output_type: 'execute_result',
                data: { 'text/html': '<b>bold</b><script>x()</script>', 'text/plain': 'no' }
              },
              { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['\u001b[31mE\u001b[0m: v'] }
            ],
            artifacts: [
              { path: 'p.png', size: 9, media_type: 'image/png', url: '/files/p.png' },
              { path: 'd/x.csv', size: 1200, media_type: 'text/csv', url: '/files/x.csv' }
            ]
          }
        }
      }
    });
    const { container } = render(show(hear(EMPTY, server.hello())));
    expect(screen.getByRole('img', { name: /p\.png/ }).getAttribute('src')).toBe('http://host/files/p.png');
    const link = screen.getByTitle('Download d/x.csv');
    expect([link.getAttribute('href'), link.getAttribute('download')]).toEqual([
      'http://host/files/x.csv',
      'x.csv'
    ]);
    expect(screen.getByRole('link', { name: 'Open p.png in a new tab' }).getAttribute('target')).toBe(
      '_blank'
    );
    expect(screen.queryByRole('link', { name: /Open d\/x.csv/ })).toBeNull();
    await waitFor(() => expect(container.querySelector('.jcs-Outputs b')?.textContent).toBe('bold'));
    await waitFor(() =>
      expect(container.querySelector('.jcs-mod-error .ansi-red-fg')?.textContent).toBe('E')
    );
    expect(container.querySelector('script')).toBeNull();
  });

  test('code that was typed is not shown twice, and a call that was stopped has not failed', () => {
    const server = new Server();
    server.ask('q', 'r', 'while True: pass');
    server.start('q', 'r', null);
    server.call('a', 'c', 'while True: pass', []);
    const hello = server.hello();
    const lines = hello.lines.map(line =>
      line.type === 'message' && line.message.role === 'tool'
        ? { ...line, message: { ...line.message, error: 'stopped', metadata: {} } }
        : line
    );
    const end = { type: 'run', run_id: 'r', outcome: 'cancelled', seq: 9, created: '' } as const;
    render(show(hear(EMPTY, { ...hello, run: null, lines: [...lines, end] })));
    const card = screen.getByRole('region', { name: 'Tool run_python' });
    expect(card.textContent).not.toMatch(/pass|stopped|Failed/);
    expect(card.textContent).toContain('Stopped');
    expect(screen.getAllByText('while True: pass')).toHaveLength(1);
  });

  test.each([
    ['stopped', 'cancelled', 'Stopped'],
    ['interrupted: the server stopped', 'interrupted', 'Interrupted'],
    ['it broke', 'error', 'Failed']
  ] as const)(
    'a call that says %j in a run that ended %s has one word for it: %s',
    (error, outcome, word) => {
      const server = new Server();
      server.ask('q', 'r');
      server.start('q', 'r', null);
      server.call('a', 'c', 'x', []);
      const lines = server
        .hello()
        .lines.map(line =>
          line.type === 'message' && line.message.role === 'tool'
            ? { ...line, message: { ...line.message, error, metadata: {} } }
            : line
        );
      const end = { type: 'run', run_id: 'r', outcome, seq: 9, created: '' } as const;
      render(show(hear(EMPTY, { ...server.hello(), run: null, lines: [...lines, end] })));
      const card = screen.getByRole('region', { name: 'Tool run_python' });
      expect(card.textContent?.match(/Stopped|Interrupted|Failed/g)).toEqual([word]);
    }
  );

  test('why a call failed is said once: by the direct answer after it, else by its card', async () => {
    const timesSaid = async (model?: string): Promise<number | undefined> => {
      const server = new Server();
      server.ask('q', 'r');
      server.start('q', 'r', null);
      server.call('a', 'c', 'x', []);
      server.say('b', ['Timed out after 60 s. Smaller steps may finish in time.']);
      const lines = server.hello().lines.map(line => {
        if (line.type === 'message' && line.message.role === 'tool') {
          const error = 'timed out after 60 s';
          return { ...line, message: { ...line.message, error, metadata: {} } };
        }
        return line.type === 'message' && line.message.role === 'assistant'
          ? { ...line, message: { ...line.message, metadata: { jupyter: { model } } } }
          : line;
      });
      const { unmount } = render(show(hear(EMPTY, { ...server.hello(), lines })));
      const log = screen.getByRole('log');
      await waitFor(() => expect(log.textContent).toContain('Smaller steps'));
      const times = log.textContent?.match(/timed out after 60 s/gi)?.length;
      unmount();
      return times;
    };
    expect(await timesSaid()).toBe(1);
    expect(await timesSaid('gpt')).toBe(2);
  });

  test('of a call that was interrupted with its server, the ending says only why', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    server.call('a', 'c', 'x', []);
    const lines = server
      .hello()
      .lines.filter(line => line.type !== 'message' || line.message.role !== 'tool')
      .concat({ type: 'run', run_id: 'r', outcome: 'interrupted', seq: 9, created: '' });
    render(show(hear(EMPTY, { ...server.hello(), run: null, lines })));
    const words = screen.getByRole('log').textContent;
    expect(words?.match(/interrupted/gi)).toHaveLength(1);
    expect(words?.match(/the server stopped/gi)).toHaveLength(1);
  });

  test('a call tells each second how long it has been running, from its line on', () => {
    vi.useFakeTimers({ now: new Date('2026-11-21T10:00:05.200Z') });
    const call = { id: 'c', name: 'run_python', arguments: '{}', outputs: [] };
    const card = (change: Partial<ToolCardProps>): JSX.Element =>
      shownIn(
        <ToolCard
          {...call}
          args="{}"
          live={{ ...call, status: 'running' }}
          status=""
          since="2026-11-21T10:00:04.000Z"
          result={null}
          isOver={false}
          isStopped={false}
          isEcho={false}
          {...change}
        />
      );
    const { container, rerender } = render(card({}));
    const told = (): string | null | undefined => container.querySelector('.jcs-Tool-head')?.textContent;
    expect(told()).toBe('Run PythonRunning…1 sec');
    act(() => void vi.advanceTimersByTime(3020)); // and a frame
    expect(told()).toBe('Run PythonRunning…4 sec');
    rerender(card({ live: null, isOver: true }));
    expect(told()).toBe('Run PythonStopped');
    vi.useRealTimers();
  });

  test('one part that cannot be shown does not take the others away', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const quiet = (event: Event): void => event.preventDefault();
    window.addEventListener('error', quiet);
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    server.call('a', 'c', '1', [
      { output_type: 'error' } as never,
      { output_type: 'stream', name: 'stdout', text: 'fine' }
    ]);
    render(show(hear(EMPTY, server.hello())));
    await waitFor(() => expect(screen.getByRole('log').textContent).toContain('fine'));
    window.removeEventListener('error', quiet);
    vi.restoreAllMocks();
  });

  test('offers to retry or continue an interrupted answer', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    server.line({ type: 'run', run_id: 'r', outcome: 'interrupted' });
    render(show(hear(EMPTY, { ...server.hello(), run: null })));
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    expect(actions.regenerate).toHaveBeenCalledExactlyOnceWith('q');
    fireEvent.click(screen.getByRole('button', { name: 'Continue' }));
    expect(actions.send).toHaveBeenCalledTimes(1);
  });

  test('keeps a message that was not confirmed on screen, and one that was refused with its reason', () => {
    const pending = say(whole, { kind: 'send', id: 'm1', content: 'and then?' });
    const { rerender } = render(show(pending, { connection: 'offline' }));
    expect(screen.getByText('and then?')).toBeTruthy();
    expect(screen.getByText('Sent as soon as the server is back')).toBeTruthy();
    expect(screen.getByText(/cannot be reached/)).toBeTruthy();
    rerender(show(pending, { connection: 'offline', obstacle: 'websockets' }));
    expect(screen.getByText(/no websocket to it opens/)).toBeTruthy();
    rerender(show(hear(pending, { kind: 'nack', id: 'm1', code: 'busy', message: 'Too many.' })));
    expect(screen.getByRole('alert').textContent).toContain('Too many.');
    fireEvent.click(screen.getByRole('button', { name: 'Send again' }));
    expect(actions.sendAgain).toHaveBeenCalledExactlyOnceWith('m1');
  });

  test('a thread without messages has three ways to begin, which only write into the composer', () => {
    render(show(hear(EMPTY, new Server().hello())));
    const ways = within(screen.getByRole('list', { name: 'Ways to begin' })).getAllByRole('button');
    expect(ways).toHaveLength(3);
    fireEvent.click(ways[0]);
    expect(actions.write).toHaveBeenCalledTimes(1);
  });

  test('says that a thread is not saved, and that it can only be read', () => {
    const hello = new Server().hello();
    const thread = { ...hello.thread, saved: false, read_only: true };
    render(show(hear(EMPTY, { ...hello, thread })));
    expect(screen.getByText(/is not saved/)).toBeTruthy();
    expect(screen.getByRole('textbox')).toHaveProperty('disabled', true);
  });

  test('an image of a call that still runs is shown by the address its news has', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    const output = {
      output_type: 'display_data' as const,
      data: { 'text/plain': '<Figure>' },
      metadata: { artifact: 'p.png', url: '/files/p.png' }
    };
    const call = {
      id: 'c',
      name: 'run_python',
      arguments: '{}',
      status: 'running' as const,
      outputs: [output]
    };
    const hello = server.hello();
    render(show(hear(EMPTY, { ...hello, run: hello.run && { ...hello.run, tool_calls: [call] } })));
    expect(screen.getByRole('img', { name: /p\.png/ }).getAttribute('src')).toBe('http://host/files/p.png');
  });

  test('lists the files of the thread on demand, the newest first, by the addresses the server gave', () => {
    const file = (path: string, modified: string): StoredFile => ({
      path,
      size: 1200,
      media_type: 'text/csv',
      url: `/files/${path}`,
      modified
    });
    const files = [file('old.csv', '2026-11-20T10:00:00Z'), file('new.csv', '2026-11-21T10:00:00Z')];
    const { rerender } = render(show(whole, { files: [] }));
    expect(screen.queryByRole('region', { name: 'Files of this chat' })).toBeNull();
    rerender(show(whole, { files }));
    const strip = screen.getByRole('region', { name: 'Files of this chat' });
    expect(within(strip).queryByRole('link')).toBeNull();
    fireEvent.click(within(strip).getByRole('button', { name: /2 files/ }));
    expect(
      within(strip)
        .getAllByRole('link')
        .map(each => each.getAttribute('href'))
    ).toEqual(['http://host/files/new.csv', 'http://host/files/old.csv']);
  });

  test('the level unfolds, and lets tools read the notebook’s folder from the next start of Python on', async () => {
    const view = { ...whole, level: 'confined' as const };
    const { rerender } = render(show(view));
    const chip = screen.getByRole('button', { name: 'confined' });
    fireEvent.click(chip);
    const menu = screen.getByRole('group', { name: 'What tools may see' });
    const box = within(menu).getByRole('checkbox', { name: /may read the notebook’s folder/ });
    expect(box).toHaveProperty('checked', false);
    const letRead = vi
      .mocked(actions.letRead as (isLet: boolean) => Promise<void>)
      .mockResolvedValue(undefined);
    fireEvent.click(box);
    expect(letRead).toHaveBeenCalledExactlyOnceWith(true);
    await within(menu).findByText('This holds as soon as Python starts anew.');
    vi.mocked(actions.restartKernel).mockResolvedValue(undefined);
    fireEvent.click(within(menu).getByRole('button', { name: /Restart Python now/ }));
    await within(menu).findByText('Python starts anew with the next call.');
    rerender(show({ ...view, thread: view.thread && { ...view.thread, reads_notebook: true } }));
    expect(box).toHaveProperty('checked', true);
    letRead.mockRejectedValueOnce(new Error('The notebook’s folder holds too much.'));
    fireEvent.click(box);
    await within(menu).findByText('The notebook’s folder holds too much.');
    fireEvent.keyDown(box, { key: 'Escape' });
    expect(screen.queryByRole('group', { name: 'What tools may see' })).toBeNull();
    expect(document.activeElement).toBe(chip);
  });

  test('where nothing confines tools the notebook’s folder is not offered', () => {
    render(show({ ...whole, level: 'unconfined' }));
    fireEvent.click(screen.getByRole('button', { name: 'not confined' }));
    const menu = screen.getByRole('group', { name: 'What tools may see' });
    expect(within(menu).queryByRole('checkbox')).toBeNull();
    fireEvent.pointerDown(document.body);
    expect(screen.queryByRole('group', { name: 'What tools may see' })).toBeNull();
  });

  test('a file is saved beside the notebook by its button, and where it went or why not is said', async () => {
    const file: StoredFile = {
      path: 'out/plot.png',
      size: 12,
      media_type: 'image/png',
      url: '/files/out/plot.png',
      modified: '2026-11-21T10:00:00Z'
    };
    const save = vi.mocked(actions.saveOut).mockResolvedValueOnce('analysis/plot-1.png');
    render(show(whole, { files: [file] }));
    const strip = screen.getByRole('region', { name: 'Files of this chat' });
    fireEvent.click(within(strip).getByRole('button', { name: /1 file/ }));
    const button = within(strip).getByRole('button', { name: 'Save out/plot.png to the notebook’s folder' });
    fireEvent.click(button);
    expect(save).toHaveBeenCalledExactlyOnceWith('out/plot.png');
    await within(strip).findByText('out/plot.png was saved beside the notebook as analysis/plot-1.png');
    fireEvent.click(within(strip).getByRole('button', { name: 'Open it' }));
    expect(host.openFile).toHaveBeenCalledExactlyOnceWith('analysis/plot-1.png');
    expect(host.refreshFolder).toHaveBeenCalledOnce();
    save.mockRejectedValueOnce(new Error('You may not write files on this server.'));
    fireEvent.click(button);
    await within(strip).findByText('You may not write files on this server.');
    expect(host.refreshFolder).toHaveBeenCalledOnce();
  });

  test('of a long conversation only what is near its end is in the page', () => {
    const server = new Server();
    for (let turn = 0; turn < 1000; turn += 1) {
      server.ask(`q${turn}`, `r${turn}`);
      server.start(`q${turn}`, `r${turn}`, turn > 0 ? `r${turn - 1}` : null);
      server.say(`a${turn}`, [`answer ${turn}`]);
      server.end();
    }
    render(show(hear(EMPTY, server.hello(0, 10_000))));
    const rows = document.querySelectorAll('.jcs-Log-row');
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.length).toBeLessThan(60);
    expect(screen.getByText('question q999')).toBeTruthy();
    expect(screen.queryByText('question q1')).toBeNull();
  });

  test('every control has a name', () => {
    const pending = say(whole, { kind: 'send', id: 'm1', content: 'x' });
    render(show({ ...pending, more: true }, { connection: 'offline' }));
    for (const control of [...screen.getAllByRole('button'), ...screen.getAllByRole('textbox')]) {
      expect(control.getAttribute('aria-label') ?? control.textContent?.trim()).toBeTruthy();
    }
  });
});
