// @vitest-environment jsdom
import { actions, host, show } from './host';

import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DEFAULTS } from '../src/components/host';
import type { Decision } from '../src/protocol';
import { decide, hear } from '../src/store/reducer';
import { EMPTY } from '../src/store/view';
import type { View } from '../src/store/view';
import { permission, Server } from './server';

afterEach(cleanup);
beforeEach(() => vi.clearAllMocks());

/** A thread whose model asks for a person's word on these calls. */
function asking(...codes: readonly string[]): { server: Server; view: View } {
  const server = new Server();
  server.ask('q', 'r');
  server.start('q', 'r', null);
  server.askPerson('a', codes);
  return { server, view: hear(EMPTY, server.hello()) };
}

const card = (): HTMLElement => screen.getByRole('region', { name: 'Your decision' });
const press = (name: string | RegExp): boolean =>
  fireEvent.click(within(card()).getByRole('button', { name }));

/** What was decided, by the place of each call. */
function decided(): readonly Decision[] {
  expect(actions.decide).toHaveBeenCalledTimes(1);
  const [runId, decisions] = vi.mocked(actions.decide).mock.calls[0];
  expect(runId).toBe('r');
  return [...decisions.values()];
}

test('a call that needs a word is shown once, on a card with its tool, its code and what confines it', () => {
  render(show(asking('rm()').view));
  expect(card().textContent).toContain('Allow “Run Python”?');
  expect(card().textContent).toContain('Nothing confines it');
  expect(within(card()).getByRole('region', { name: 'Code' })).toBeTruthy();
  expect(screen.queryByRole('region', { name: 'Tool run_python' })).toBeNull();
  expect(screen.getByRole('button', { name: 'Stop' })).toBeTruthy();
});

test('whoever hears the run end sees the same card as who joins later', () => {
  const { server, view } = asking('rm()');
  const heard = server.frames.reduce(hear, hear(EMPTY, new Server().hello()));
  expect(heard.approvals).toEqual(view.approvals.map(each => expect.objectContaining(each)));
  const finished = server.frames.at(-1);
  const onlyEvent = hear({ ...heard, approvals: [] }, finished ?? server.hello());
  expect(onlyEvent.approvals).toEqual(view.approvals);
});

test.each([
  ['Approve', { approve: true }],
  ['Approve for this thread', { approve: true, always: true }],
  ['Deny', { approve: false }]
])('%s says so to the run that asks', (name, expected) => {
  render(show(asking('rm()').view));
  press(name);
  expect(decided()).toEqual([expected]);
});

test.each([
  ['Enter', { approve: true }],
  ['Backspace', { approve: false }]
])('Alt+%s does the same from the composer', (key, expected) => {
  render(show(asking('rm()').view));
  fireEvent.keyDown(screen.getByRole('textbox', { name: 'Message' }), { key, altKey: true });
  expect(decided()).toEqual([expected]);
});

test('Alt+Backspace in words that are written takes a word away and denies nothing', () => {
  render(show(asking('rm()').view, { draft: 'some words' }));
  fireEvent.keyDown(screen.getByRole('textbox', { name: 'Message' }), { key: 'Backspace', altKey: true });
  expect(actions.decide).not.toHaveBeenCalled();
});

test('a denial carries its note', () => {
  render(show(asking('rm()').view));
  press('Add a note');
  fireEvent.change(within(card()).getByRole('textbox', { name: 'Note' }), {
    target: { value: ' ask me first ' }
  });
  press('Deny');
  expect(decided()).toEqual([{ approve: false, note: 'ask me first' }]);
});

test('code that was changed is what is to run; code that was not is not sent back', () => {
  render(show(asking('one()', 'two()').view));
  fireEvent.click(within(card()).getAllByRole('button', { name: 'Edit before it runs' })[1]);
  fireEvent.change(within(card()).getByRole('textbox', { name: 'Code' }), { target: { value: 'three()' } });
  press('Approve');
  expect(decided()).toEqual([{ approve: true }, { approve: true, arguments: { code: 'three()' } }]);
});

test('of several calls some may be left out, and all are answered at once', () => {
  render(show(asking('one()', 'two()').view));
  expect(card().textContent).toContain('Allow these 2 calls?');
  fireEvent.click(within(card()).getAllByRole('checkbox')[0]);
  press('Approve 1 of 2');
  expect(decided()).toEqual([{ approve: false }, { approve: true }]);
});

test('arguments that are no JSON object cannot be approved', () => {
  const { view } = asking('x');
  const [{ run_id: runId, interrupts }] = view.approvals;
  const approvals = [
    { run_id: runId, interrupts: [{ ...interrupts[0], tool: 'delete', arguments: { path: 'a' } }] }
  ];
  render(show({ ...view, approvals }));
  press('Edit before it runs');
  const area = within(card()).getByRole('textbox', { name: 'Arguments' });
  fireEvent.change(area, { target: { value: '[1]' } });
  expect(within(card()).getByRole('button', { name: 'Approve' })).toHaveProperty('disabled', true);
  fireEvent.change(area, { target: { value: '{"path": "b"}' } });
  press('Approve');
  expect(decided()).toEqual([{ approve: true, arguments: { path: 'b' } }]);
});

test('an answer on its way cannot be given twice; refused, its reason is shown and the card can be used again', () => {
  const { view } = asking('rm()');
  const frame = { kind: 'answer' as const, id: 'f1', runId: 'r', answers: [] };
  const sending = decide(view, frame);
  const { rerender } = render(show(sending));
  expect(card().getAttribute('aria-busy')).toBe('true');
  fireEvent.keyDown(card(), { key: 'Enter', altKey: true });
  expect(actions.decide).not.toHaveBeenCalled();
  rerender(show(hear(sending, { kind: 'nack', id: 'f1', code: 'disk_full', message: 'The disk is full.' })));
  expect(within(card()).getByRole('alert').textContent).toContain('The disk is full.');
  press('Approve');
  expect(decided()).toEqual([{ approve: true }]);
});

test('another tab’s answer takes the card away, and one that came too late says why it did not count', () => {
  const { server, view } = asking('rm()');
  const heard = server.frames.length;
  const late = decide(view, { kind: 'answer', id: 'f1', runId: 'r', answers: [] });
  server.decided('r', 'q', 'r2');
  server.result('t', 'a:c0', 'gone');
  server.say('b', ['It is done.']);
  server.end();
  const after = server.frames.slice(heard).reduce(hear, late);
  const refused = hear(after, { kind: 'nack', id: 'f1', code: 'not_waiting', message: 'It was answered.' });
  render(show(refused));
  expect(screen.queryByRole('region', { name: 'Your decision' })).toBeNull();
  expect(screen.getByRole('region', { name: 'Tool run_python' }).textContent).toContain('gone');
  expect(screen.getByText('It was answered.')).toBeTruthy();
});

test('the answer that goes on is one answer with its earlier part, under one question', () => {
  render(show(hear(EMPTY, permission().hello())));
  expect(screen.getAllByRole('article', { name: 'You' })).toHaveLength(1);
  const answers = screen.getAllByRole('article', { name: 'Answer' });
  expect(answers).toHaveLength(1);
  const cards = within(answers[0]).getAllByRole('region', { name: 'Tool run_python' });
  expect(cards.map(each => each.textContent?.match(/first|second/)?.[0])).toEqual(['first', 'second']);
});

test('what Stop declined is stopped, and nothing is asked any more', () => {
  const { server } = asking('rm()');
  server.decided('r', 'q', null);
  render(show(hear(EMPTY, server.hello())));
  expect(screen.queryByRole('region', { name: 'Your decision' })).toBeNull();
  expect(screen.getAllByText('Stopped').length).toBeGreaterThan(0);
  expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull();
});

test('a call that a person did not allow has not failed: it was denied', () => {
  const { server } = asking('rm()');
  server.decided('r', 'q', 'r2');
  const message = {
    id: 't',
    role: 'tool' as const,
    toolCallId: 'a:c0',
    content: 'Not run: no.',
    error: 'not allowed'
  };
  server.line({ type: 'message', message, run_id: 'r2' });
  server.end();
  render(show(hear(EMPTY, server.hello())));
  const tool = screen.getByRole('region', { name: 'Tool run_python' });
  expect(tool.textContent).toContain('Denied');
  expect(tool.textContent).toContain('Not run: no.');
});

/** The same, with the first question otherwise. */
function askingWith(change: Partial<View['approvals'][number]['interrupts'][number]>): View {
  const { view } = asking('rm()');
  const approvals = view.approvals.map(each => ({
    ...each,
    interrupts: each.interrupts.map(question => ({ ...question, ...change }))
  }));
  return { ...view, approvals };
}

test('where a grant for the thread would not help, it is not offered', () => {
  render(show(askingWith({ always: false })));
  expect(within(card()).queryByRole('button', { name: 'Approve for this thread' })).toBeNull();
  expect(within(card()).getByRole('button', { name: 'Approve' })).toBeTruthy();
});

test('a change is shown as what goes and what comes, and the code that would run as it stands', () => {
  const edit = { tool: 'edit_cell', arguments: { cell_id: 'c1' } };
  render(show(askingWith({ ...edit, shown: { cell_id: 'c1', diff: ' same\n-old\n+new' } })));
  const diff = within(card()).getByRole('region', { name: 'Changes to Cell c1' });
  expect(diff.querySelector('del')?.textContent).toContain('old');
  expect(diff.querySelector('ins')?.textContent).toContain('new');
  cleanup();
  render(show(askingWith({ tool: 'run_cell', arguments: { cell_id: 'c1' }, shown: { code: 'danger()' } })));
  expect(within(card()).getByRole('region', { name: 'Code' })).toBeTruthy();
  expect(card().textContent).toContain('in your own kernel');
});

test('a question is answered by a choice, in words, or not at all', () => {
  const question = { reason: 'input_required', message: 'Which?', arguments: { choices: ['red', 'blue'] } };
  const view = askingWith(question);
  const asked = (): HTMLElement => screen.getByRole('region', { name: 'A question to you' });
  render(show(view));
  fireEvent.click(within(asked()).getByRole('button', { name: 'blue' }));
  expect(decided()).toEqual([{ approve: true, answer: 'blue' }]);
  vi.clearAllMocks();
  const words = within(asked()).getByRole('textbox', { name: 'Your answer' });
  fireEvent.change(words, { target: { value: ' green ' } });
  fireEvent.keyDown(words, { key: 'Enter' });
  expect(decided()).toEqual([{ approve: true, answer: 'green' }]);
  vi.clearAllMocks();
  fireEvent.click(within(asked()).getByRole('button', { name: 'Do not answer' }));
  expect(decided()).toEqual([{ approve: false }]);
});

test('who has decided on a card, which then goes, is in the conversation; who wrote meanwhile goes on writing', async () => {
  const log = (): HTMLElement => screen.getByRole('log', { name: 'Conversation' });
  render(show(asking('rm()').view));
  await userEvent.click(within(card()).getByRole('button', { name: 'Deny' }));
  expect(document.activeElement).toBe(log());
  const composer = screen.getByRole('textbox', { name: 'Message' });
  composer.focus();
  fireEvent.keyDown(composer, { key: 'Enter', altKey: true });
  expect(actions.decide).toHaveBeenCalledTimes(2);
  expect(document.activeElement).toBe(composer);
  cleanup();
  render(show(askingWith({ reason: 'input_required', message: 'Which?', arguments: {} })));
  await userEvent.click(screen.getByRole('button', { name: 'Do not answer' }));
  expect(document.activeElement).toBe(log());
});

test('a question is answered by the key that sends, as it is set, and by no key of an input method', () => {
  const view = askingWith({ reason: 'input_required', message: 'Which?', arguments: {} });
  const preferences = { ...host.preferences, value: { ...DEFAULTS, sendKey: 'Shift+Enter' as const } };
  render(show(view, {}, { ...host, preferences }));
  const words = screen.getByRole('textbox', { name: 'Your answer' });
  fireEvent.change(words, { target: { value: 'green' } });
  fireEvent.keyDown(words, { key: 'Enter' });
  fireEvent.keyDown(words, { key: 'Enter', shiftKey: true, keyCode: 229 });
  expect(actions.decide).not.toHaveBeenCalled();
  fireEvent.keyDown(words, { key: 'Enter', shiftKey: true });
  expect(decided()).toEqual([{ approve: true, answer: 'green' }]);
});
