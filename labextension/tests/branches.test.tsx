// @vitest-environment jsdom
import { actions, show } from './host';

import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Rest } from '../src/client/rest';
import type { Hearer } from '../src/client/wire';
import type { ClientFrame, ServerFrame } from '../src/protocol';
import { foldPage } from '../src/store/lines';
import type { Page, ToldRun } from '../src/store/lines';
import { hear, look, say } from '../src/store/reducer';
import { Thread } from '../src/store/thread';
import { endOf, leafOf, turnsOf } from '../src/store/turns';
import { EMPTY } from '../src/store/view';
import { Server } from './server';

afterEach(cleanup);
beforeEach(() => vi.clearAllMocks());

/** One question, answered twice and asked in other words; what followed the first answer. */
function branched(): Server {
  const server = new Server();
  const turn = (question: string, run: string, parent: string | null, isNew = true): void => {
    if (isNew) {
      server.ask(question, run);
    }
    server.start(question, run, parent);
    server.say(`says ${run}`, [`answer ${run}`]);
    server.end();
  };
  turn('q1', 'r1', null);
  turn('q2', 'r2', 'r1');
  turn('q1', 'r1b', null, false);
  turn('q1x', 'r3', null);
  return server;
}

describe('branches', () => {
  const view = hear(EMPTY, branched().hello());

  test('the path ends with the newest run, and knows what stands beside each of its turns', () => {
    expect(turnsOf(view).map(({ run, wordings, versions }) => [run.run_id, wordings, versions])).toEqual([
      ['r3', ['r1b', 'r3'], ['r3']]
    ]);
  });

  test('to look at another run shows its branch to the end, without changing the thread', () => {
    const other = look(view, leafOf(view.runs, 'r1'));
    expect(turnsOf(other).map(({ run }) => run.run_id)).toEqual(['r1', 'r2']);
    expect(turnsOf(other)[0].versions).toEqual(['r1', 'r1b']);
    expect(other.head).toBe('r3');
    expect(endOf(look(other, 'r3'))).toBe('r3');
  });

  test('what begins to run is shown, whatever branch someone looks at', () => {
    const server = branched();
    const other = look(hear(EMPTY, server.hello()), 'r2');
    const heard = server.frames.length;
    server.ask('q4', 'r4');
    server.start('q4', 'r4', 'r3');
    const after = server.frames.slice(heard).reduce(hear, other);
    expect(turnsOf(after).map(({ run }) => run.run_id)).toEqual(['r3', 'r4']);
  });

  test('a branch that is being sent is shown in its place at once', () => {
    const pending = say(view, { kind: 'send', id: 'm', content: 'x', options: { parentRunId: 'r1' } });
    expect(turnsOf(pending).map(({ run }) => run.run_id)).toEqual(['r1']);
    const root = say(view, { kind: 'send', id: 'm', content: 'x', options: { parentRunId: null } });
    expect(turnsOf(root)).toEqual([]);
  });
});

test('what is sent follows the branch on screen', () => {
  const sent: ClientFrame[] = [];
  let hearer: Hearer | undefined;
  const rest = { liveUrl: () => 'x', files: async () => [] } as unknown as Rest;
  const thread = new Thread('t', {}, rest, (_, given) => {
    hearer = given;
    return { send: frame => sent.push(frame), nudge: () => undefined, close: () => undefined };
  });
  hearer?.onFrame(branched().hello());
  thread.send('on the path');
  thread.look('r1');
  thread.send('on the other');
  thread.send('at the root', { parentRunId: null });
  expect(sent.map(frame => (frame.kind === 'send' ? frame.options : frame))).toEqual([
    undefined,
    { parentRunId: 'r2' },
    { parentRunId: null }
  ]);
  thread.close();
});

describe('a thread that turns to another branch', () => {
  interface Open {
    readonly thread: Thread;
    readonly sent: ClientFrame[];
    readonly hear: (frame: ServerFrame) => void;
    readonly asked: string[];
  }

  function opened(page: Page | null = null): Open {
    const sent: ClientFrame[] = [];
    const asked: string[] = [];
    let hearer: Hearer | undefined;
    const rest = {
      liveUrl: () => 'x',
      files: async () => [],
      messagesBefore: async (_: string, before: number) => {
        asked.push(String(before));
        return page;
      }
    } as unknown as Rest;
    const thread = new Thread('t', {}, rest, (_, given) => {
      hearer = given;
      return { send: frame => sent.push(frame), nudge: () => undefined, close: () => undefined };
    });
    return { thread, sent, asked, hear: frame => hearer?.onFrame(frame) };
  }
  const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 60));

  test('is asked to at rest, and only looked at while an answer is made', () => {
    const { thread, sent, hear: tell } = opened();
    const server = branched();
    tell(server.hello());
    thread.look('r1');
    expect(sent).toMatchObject([{ kind: 'head', runId: 'r1' }]);
    expect(turnsOf(thread.snapshot().view).map(({ run }) => run.run_id)).toEqual(['r1', 'r2']);
    const heard = server.frames.length;
    server.ask('q9', 'r9');
    server.start('q9', 'r9', 'r3');
    server.frames.slice(heard).forEach(tell);
    thread.look('r1');
    expect(sent).toHaveLength(1);
    thread.close();
  });

  test('the branch that others turned to is shown; one that was read needs no more', async () => {
    const { thread, asked, hear: tell } = opened();
    const server = branched();
    tell(server.hello());
    const heard = server.frames.length;
    server.line({ type: 'head', run_id: 'r2' });
    server.frames.slice(heard).forEach(tell);
    await settled();
    expect(turnsOf(thread.snapshot().view).map(({ run }) => run.run_id)).toEqual(['r1', 'r2']);
    expect(asked).toEqual([]);
    thread.close();
  });

  test('what stands beside an older page can be turned to, and is read once it is the head', async () => {
    const server = branched();
    const told = (run: string, question: string, seq: number): ToldRun => ({
      run_id: run,
      message_id: question,
      parent_run_id: run === 'r2' ? 'r1' : null,
      seq,
      outcome: 'success',
      model: null,
      usage: null
    });
    const kept = (id: string): Page['messages'][number] => {
      const line = server.lines.find(each => each.type === 'message' && each.message.id === id);
      return line as unknown as Page['messages'][number];
    };
    const page: Page = {
      messages: ['q1', 'says r1', 'q2', 'says r2'].map(kept),
      runs: [told('r1', 'q1', 2), told('r2', 'q2', 6)],
      beside: [told('r1b', 'q1', 10), told('r3', 'q1x', 14)],
      more: false
    };
    const { thread, sent, asked, hear: tell } = opened(page);
    // Only the newest branch has been read; the others are known to be there.
    const tail = server.hello(0, 4);
    tell({ ...tail, more: false });
    const before = foldPage(hear(EMPTY, { ...tail, more: true }), {
      messages: [],
      runs: [],
      beside: [told('r1', 'q1', 2), told('r1b', 'q1', 10)],
      more: false
    });
    expect(turnsOf(before)[0]).toMatchObject({ wordings: ['r1b', 'r3'] });
    thread.look('r1');
    expect(sent).toMatchObject([{ kind: 'head', runId: 'r1' }]);
    server.line({ type: 'head', run_id: 'r2' });
    tell(server.frames.at(-1) as ServerFrame);
    await settled();
    expect(asked).toEqual(['0']);
    const shown = turnsOf(thread.snapshot().view);
    expect(shown.map(({ run, answers }) => [run.run_id, answers.length])).toEqual([
      ['r1', 1],
      ['r2', 1]
    ]);
    expect(shown[0].wordings).toEqual(['r1', 'r3']);
    expect(shown[0].versions).toEqual(['r1', 'r1b']);
    thread.close();
  });

  test('a waiting message in other words is sent once it is taken back; has it begun, its words are kept', () => {
    const { thread, sent, hear: tell } = opened();
    tell(new Server().hello());
    thread.rewrite('m1', 'better');
    expect(sent).toMatchObject([{ kind: 'withdraw', messageId: 'm1' }]);
    tell({ kind: 'ack', id: sent[0].id });
    expect(sent[1]).toMatchObject({ kind: 'send', content: 'better' });
    thread.rewrite('m2', 'too late');
    tell({ kind: 'nack', id: sent[2].id, code: 'not_waiting', message: 'It runs.' });
    expect(sent).toHaveLength(3);
    expect(thread.snapshot().draft).toBe('too late');
    thread.close();
  });
});

describe('on screen', () => {
  test('answers and wordings that stand beside each other are gone through one by one', () => {
    const view = look(hear(EMPTY, branched().hello()), 'r1b');
    render(show(view));
    fireEvent.click(screen.getByRole('button', { name: 'Answer: previous' }));
    expect(actions.look).toHaveBeenLastCalledWith('r1');
    expect(screen.getByRole('button', { name: 'Answer: next' })).toHaveProperty('disabled', true);
    fireEvent.click(screen.getByRole('button', { name: 'Wording: next' }));
    expect(actions.look).toHaveBeenLastCalledWith('r3');
  });

  test('a question in other words is sent beside the one before it; Escape sends nothing', () => {
    const view = look(hear(EMPTY, branched().hello()), 'r2');
    render(show(view));
    const edit = (): HTMLElement => screen.getAllByRole('button', { name: 'Edit the question' })[1];
    fireEvent.click(edit());
    const area = (): HTMLElement => screen.getByRole('textbox', { name: /other words/ });
    fireEvent.keyDown(area(), { key: 'Escape', isComposing: true });
    fireEvent.keyDown(area(), { key: 'Escape' });
    expect(document.activeElement).toBe(edit());
    fireEvent.click(edit());
    expect(document.activeElement).toBe(area());
    fireEvent.change(area(), { target: { value: 'better words' } });
    fireEvent.keyDown(area(), { key: 'Enter', ctrlKey: true });
    expect(actions.branch).toHaveBeenCalledExactlyOnceWith('better words', 'r1', []);
  });
});
