// @vitest-environment jsdom
/** A shared thread's page, and the dialog in which links are made. */

import './shims';

import { cleanup, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';

import type { Share } from '../src/client/rest';
import { Chip } from '../src/components/Chip';
import { ShareView } from '../src/components/Share';
import type { ShareProps } from '../src/components/Share';
import { Rendered, withoutColours } from '../src/share/Rendered';
import { VisitorRest } from '../src/share/rest';
import { shownIn } from './host';

afterEach(cleanup);

const markdown = (text: string): HTMLElement =>
  render(<Rendered mimeType="text/markdown" value={text} />).container;

it('says to who may not choose, too, which model answers in the thread', () => {
  const agent = { id: 'direct', label: 'Direct mode', kind: 'none' } as const;
  const chip = (model: string | null): string | null =>
    render(
      shownIn(<Chip agent={agent} level={null} model={model} spent={null} onChoose={null} consent={null} />)
    ).container.textContent;
  expect(chip('openai:gpt-4.1-mini')).toBe('openai:gpt-4.1-mini');
  expect(chip(null)).toBe('Direct mode');
});

describe('Markdown for visitors', () => {
  it('shows what people write', () => {
    const page = markdown(
      '# One\n\nSome *soft* and **hard** `code`[^]\n\n- a\n- [x] b\n\n| h |\n|---|\n| c |\n\n```py\nx < 1\n```\n\n> said'
    );
    for (const tag of ['h1', 'em', 'strong', 'code', 'li', 'th', 'td', 'pre', 'blockquote']) {
      expect(page.querySelector(tag), tag).not.toBeNull();
    }
    expect(page.querySelector('pre')?.textContent).toBe('x < 1');
    expect(page.querySelector<HTMLInputElement>('input')?.checked).toBe(true);
  });

  it('makes no element of what is written as HTML', () => {
    const page = markdown(
      '<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> <b>x</b>\n\n<div onclick="x()">y</div>'
    );
    expect(page.querySelectorAll('script, img, b, [onclick]')).toHaveLength(0);
    expect(page.textContent).toContain('<script>alert(1)</script>');
    expect(page.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  it('follows links to the web only, and fetches no picture from elsewhere', () => {
    const page = markdown(
      '[good](https://example.org) [bad](javascript:alert(1)) [worse](data:text/html,x) ![pic](https://example.org/p.png) <javascript:x>'
    );
    const links = [...page.querySelectorAll('a')];
    expect(links.map(link => link.getAttribute('href'))).toEqual([
      'https://example.org',
      'https://example.org/p.png'
    ]);
    expect(links.every(link => link.rel.includes('noopener') && link.rel.includes('noreferrer'))).toBe(true);
    expect(page.querySelector('img')).toBeNull();
  });

  it('shows other data as text, without a terminal’s colours', () => {
    const { container } = render(<Rendered mimeType="text/html" value="<b>x</b>" />);
    expect(container.querySelector('b')).toBeNull();
    expect(withoutColours('\u001b[0;31mred\u001b[0m')).toBe('red');
  });
});

describe('A visitor’s addresses', () => {
  const rest = new VisitorRest(new URL('https://hub.example/user/a/chat-sessions/threads/1/'), 'abc');

  it('stay below the thread and say for which share they ask', () => {
    expect(rest.liveUrl()).toBe('wss://hub.example/user/a/chat-sessions/threads/1/live');
    expect(rest.resolve('/user/a/chat-sessions/threads/1/files/p.png')).toBe(
      'https://hub.example/user/a/chat-sessions/threads/1/files/p.png?share=abc'
    );
  });
});

describe('A visitor’s files', () => {
  it('are put piece by piece below the thread, as that share', async () => {
    const fetched = vi.fn(async () => new Response('{"path":"p","received":3}'));
    vi.stubGlobal('fetch', fetched);
    const rest = new VisitorRest(new URL('https://hub.example/chat-sessions/threads/1/'), 'abc');
    await rest.putPiece('1', 'uploads/u/a b.csv', { start: 0, piece: new Blob(['abc']), size: 9 });
    vi.unstubAllGlobals();
    const [url, init] = fetched.mock.calls[0] as unknown as [URL, RequestInit];
    expect(url.href).toBe('https://hub.example/chat-sessions/threads/1/files/uploads/u/a%20b.csv?share=abc');
    expect(init.method).toBe('PUT');
    expect(init.headers).toMatchObject({ 'Content-Range': 'bytes 0-2/9' });
  });
});

describe('The dialog', () => {
  const share: Share = {
    share_id: 'abc',
    rights: 'send',
    created: '2026-11-21T10:00:00.000Z',
    expires: '2026-11-28T10:00:00.000Z'
  };
  const show = (change: Partial<ShareProps> = {}): ShareProps => {
    const props: ShareProps = {
      shares: [],
      link: null,
      level: 'isolated',
      problem: null,
      onCreate: vi.fn(),
      onRevoke: vi.fn(),
      ...change
    };
    render(shownIn(<ShareView {...props} />));
    return props;
  };

  it('makes a link to read for a week, unless something else is chosen', async () => {
    const props = show();
    const user = userEvent.setup();
    await user.click(screen.getByRole('button', { name: 'Create link' }));
    expect(props.onCreate).toHaveBeenLastCalledWith('read', 7 * 86_400);
    expect(screen.queryByRole('status')).toBeNull();
    await user.click(screen.getByRole('radio', { name: 'Read and write' }));
    await user.selectOptions(screen.getByRole('combobox'), '1 hour');
    expect(screen.getByRole('status').textContent).toContain('can run code in this chat’s folder');
    expect(screen.getByRole('status').textContent).toContain('You are asked each time');
    await user.click(screen.getByRole('button', { name: 'Create link' }));
    expect(props.onCreate).toHaveBeenLastCalledWith('send', 3600);
  });

  it('says what writing means where nothing confines tools', async () => {
    show({ level: 'unconfined' });
    await userEvent.setup().click(screen.getByRole('radio', { name: 'Read and write' }));
    expect(screen.getByRole('status').textContent).toContain('runs only when you allow it, each time');
    await userEvent.setup().click(screen.getByRole('radio', { name: /decide what may run/ }));
    expect(screen.getByRole('status').textContent).toContain('nothing confines it');
  });

  it('says that who decides, decides on the notebook too', async () => {
    show();
    await userEvent.setup().click(screen.getByRole('radio', { name: /decide what may run/ }));
    expect(screen.getByRole('status').textContent).toContain('code in its kernel');
  });

  it('takes a link back at the second click', async () => {
    const props = show({ shares: [share] });
    const user = userEvent.setup();
    const list = screen.getByRole('region', { name: 'Links that open this chat' });
    await user.click(within(list).getByRole('button', { name: 'Take the link back' }));
    expect(props.onRevoke).not.toHaveBeenCalled();
    await user.click(within(list).getByRole('button', { name: /Confirm/ }));
    expect(props.onRevoke).toHaveBeenCalledWith('abc');
  });

  it('shows the link that was made, and what was refused', () => {
    show({ link: 'https://here.example/x#jcs_1', problem: 'No.' });
    expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('https://here.example/x#jcs_1');
    expect(screen.getByRole('alert').textContent).toBe('No.');
  });
});
