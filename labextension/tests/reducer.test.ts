import { describe, expect, test } from 'vitest';

import { foldPage } from '../src/store/lines';
import type { Page } from '../src/store/lines';
import { discard, hear, say } from '../src/store/reducer';
import { needsOlder, runningOf, turnsOf, waitingOf, wordsOf } from '../src/store/turns';
import { EMPTY } from '../src/store/view';
import type { View } from '../src/store/view';
import { EventType } from '../src/protocol';
import type { HelloFrame, ServerFrame } from '../src/protocol';
import { conversation, permission, Server } from './server';

const listen = (frames: readonly ServerFrame[], view: View = EMPTY): View => frames.reduce(hear, view);

/** What is said of the path, as one text. */
const shown = (view: View): string[] =>
  turnsOf(view).map(({ run, question, answers }) =>
    [question && wordsOf(question.message), ...answers.map(each => wordsOf(each.message)), run.outcome].join(
      ' | '
    )
  );

describe.each([
  [
    'a conversation',
    conversation,
    [
      'question q1 | The mean is 42 — né🙂 |  | done | See the figure. | success',
      'question q2 | Better now. | success'
    ]
  ],
  [
    'a conversation with a question to a person',
    permission,
    ['question p1 | May I? | first | second | Both ran. | success']
  ]
])('joining %s', (_, made, turns) => {
  const whole = made();
  const { frames } = whole;
  const helloBefore = (k: number, after = 0): HelloFrame => whole.hello(after, 200, k);
  const first = hear(EMPTY, new Server().hello());
  const expected = listen(whole.frames, first);

  test('a listener from the beginning sees every turn of the path and nothing else', () => {
    expect(shown(expected)).toEqual(turns);
    expect(expected.live).toBeNull();
    expect(expected.approvals).toEqual([]);
  });

  test('a snapshot of the end is the same view as having listened', () => {
    const snapshot = hear(EMPTY, { ...whole.hello(), thread: { ...whole.hello().thread, title: 'Means' } });
    expect(comparable(snapshot)).toEqual(comparable(expected));
  });

  test('to join before any frame, and hear the rest, ends in the same view', () => {
    for (let k = 0; k <= frames.length; k += 1) {
      const joined = listen(frames.slice(k), hear(EMPTY, helloBefore(k)));
      expect(comparable(joined), `joined before frame ${k}`).toEqual(comparable(expected));
    }
  });

  test('what streams is the same text whether heard from the start or joined half-way', () => {
    let listener = first;
    frames.forEach((frame, k) => {
      const joined = hear(EMPTY, helloBefore(k));
      expect(joined.live?.text ?? '', `before frame ${k}`).toBe(listener.live?.text ?? '');
      expect(joined.live?.tool_calls ?? [], `before frame ${k}`).toEqual(listener.live?.tool_calls ?? []);
      expect(shown(joined), `before frame ${k}`).toEqual(shown(listener));
      listener = hear(listener, frame);
    });
  });

  test('any drops, doubled frames and re-joins end in the same view', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = randomFrom(seed);
      let view = EMPTY;
      let isOn = false;
      for (let k = 0; k <= frames.length; k += 1) {
        if (isOn && random() < 0.1) {
          isOn = false; // The socket drops: frames pass unheard.
        }
        if (!isOn && (random() < 0.3 || k === frames.length)) {
          view = hear(view, helloBefore(k, random() < 0.2 ? 0 : view.seq));
          isOn = true;
        }
        if (isOn && k < frames.length) {
          view = hear(view, frames[k]);
          if (random() < 0.2) {
            view = hear(view, frames[k - Math.floor(random() * Math.min(k, 4))]);
          }
        }
      }
      expect(comparable(view), `seed ${seed}`).toEqual(comparable(expected));
    }
  });
});

/** A view without what differs by how one joined: the title's source. */
function comparable(view: View): object {
  return { ...view, thread: null, runs: [...view.runs.values()], messages: [...view.messages.values()] };
}

/** Numbers in [0, 1) that are the same at every run of the tests. */
function randomFrom(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), state | 1) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('titles come by lines and as passing news', () => {
  const view = listen(conversation().frames, hear(EMPTY, new Server().hello()));
  expect(view.thread?.title).toBe('Means');
  const news = { type: EventType.CUSTOM, name: 'thread', value: { title: 'What was asked' } } as const;
  expect(hear(view, { kind: 'event', event: news }).thread?.title).toBe('What was asked');
});

describe('a run in flight', () => {
  test('a line replaces what its pieces said', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    let view = listen(server.frames, hear(EMPTY, new Server().hello()));
    server.say('a', ['hel', 'lo']);
    const last = server.frames.length - 1;
    view = listen(server.frames.slice(3, last), view);
    expect(view.live?.text).toBe('hello');
    view = hear(view, server.frames[last]);
    expect(view.live?.text).toBe('');
    expect(shown(view)).toEqual(['question q | hello | ']);
  });

  test('pieces of one stream are joined, pieces of another are not', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    server.call('a', 'c', '1', [
      { output_type: 'stream', name: 'stdout', text: 'a' },
      { output_type: 'stream', name: 'stdout', text: ['b', 'c'] },
      { output_type: 'stream', name: 'stderr', text: 'd' }
    ]);
    const before = server.frames.findIndex(
      frame => frame.kind === 'event' && frame.event.type === 'CUSTOM' && lineOf(frame) === 'tool'
    );
    const view = listen(server.frames.slice(0, before), hear(EMPTY, new Server().hello()));
    expect(view.live?.tool_calls[0].outputs).toEqual([
      { output_type: 'stream', name: 'stdout', text: 'abc' },
      { output_type: 'stream', name: 'stderr', text: 'd' }
    ]);
  });

  test('a run on another server is running, though it says nothing here', () => {
    const server = new Server();
    server.ask('q', 'r');
    server.start('q', 'r', null);
    const view = hear(EMPTY, { ...server.hello(), run: null });
    expect(runningOf(view)).toBe('r');
  });
});

function lineOf(frame: ServerFrame): string {
  if (frame.kind !== 'event' || frame.event.type !== 'CUSTOM' || frame.event.name !== 'line') {
    return '';
  }
  return frame.event.value.type === 'message' ? frame.event.value.message.role : '';
}

describe('waiting', () => {
  const server = new Server();
  server.ask('q1', 'r1');
  server.start('q1', 'r1', null);
  server.ask('q2', 'r2');
  server.ask('q3', 'r3');

  test('accepted messages whose run has not begun wait, in their order', () => {
    expect(waitingOf(hear(EMPTY, server.hello())).map(each => each.message.id)).toEqual(['q2', 'q3']);
  });

  test('a message taken back waits no longer and is on no path', () => {
    const view = hear(EMPTY, server.hello());
    const after = hear(view, lineFrame(view.seq + 1, { type: 'withdrawn', message_id: 'q2' }));
    expect(waitingOf(after).map(each => each.message.id)).toEqual(['q3']);
    expect(shown(after)).toEqual(['question q1 | ']);
  });
});

function lineFrame(seq: number, line: object): ServerFrame {
  return {
    kind: 'event',
    seq,
    event: { type: 'CUSTOM', name: 'line', value: { ...line, seq, created: '2026-11-21T10:00:00.000Z' } }
  } as unknown as ServerFrame;
}

describe('the path', () => {
  const branches = [
    { type: 'message', message: { id: 'q1', role: 'user', content: 'one' }, run_id: 'r1' },
    { type: 'start', run_id: 'r1', message_id: 'q1', parent_run_id: null },
    { type: 'run', run_id: 'r1', outcome: 'success' },
    { type: 'message', message: { id: 'q2', role: 'user', content: 'two' }, run_id: 'r2' },
    { type: 'start', run_id: 'r2', message_id: 'q2', parent_run_id: 'r1' },
    { type: 'run', run_id: 'r2', outcome: 'success' },
    { type: 'message', message: { id: 'q3', role: 'user', content: 'other two' }, run_id: 'r3' },
    { type: 'start', run_id: 'r3', message_id: 'q3', parent_run_id: 'r1' }
  ];
  const view = branches.reduce((now, line, index) => hear(now, lineFrame(index + 1, line)), EMPTY);

  test('ends with the last run that began', () => {
    expect(shown(view)).toEqual(['one | success', 'other two | ']);
  });

  test('ends where a head line says', () => {
    expect(shown(hear(view, lineFrame(9, { type: 'head', run_id: 'r2' })))).toEqual([
      'one | success',
      'two | success'
    ]);
    expect(shown(hear(view, lineFrame(9, { type: 'head', run_id: null })))).toEqual([]);
  });

  test('of an older turn, several lines of one number, follows the turn before it', () => {
    const turn = (seq: number): ServerFrame[] => [
      lineFrame(seq, {
        type: 'message',
        message: { id: `q${seq}`, role: 'user', content: `q${seq}` },
        run_id: `r${seq}`
      }),
      lineFrame(seq, { type: 'start', run_id: `r${seq}`, message_id: `q${seq}`, parent_run_id: 'head' }),
      lineFrame(seq, {
        type: 'message',
        message: { id: `a${seq}`, role: 'assistant', content: 'A' },
        run_id: `r${seq}`
      }),
      lineFrame(seq, { type: 'run', run_id: `r${seq}`, outcome: 'success' })
    ];
    const older = listen([...turn(1), ...turn(2), ...turn(2)]);
    expect(shown(older)).toEqual(['q1 | A | success', 'q2 | A | success']);
  });

  test('passes over lines of a later version and keeps their number', () => {
    const after = hear(view, lineFrame(9, { type: 'hologram', beam: 1 }));
    expect(shown(after)).toEqual(shown(view));
    expect(after.seq).toBe(9);
  });
});

describe('older messages', () => {
  const server = new Server();
  for (let turn = 1; turn <= 30; turn += 1) {
    server.ask(`q${turn}`, `r${turn}`);
    server.start(`q${turn}`, `r${turn}`, turn === 1 ? null : `r${turn - 1}`);
    server.say(`a${turn}`, [`answer ${turn}`]);
    server.end();
  }
  const whole = hear(EMPTY, server.hello());
  const page = (before: number, limit = 7): Page => {
    const older = server.lines.filter(line => line.type === 'message' && line.seq < before);
    const rows = older.slice(-limit).map(line => line as Extract<typeof line, { type: 'message' }>);
    const ids = new Set(rows.map(row => row.run_id));
    return {
      messages: rows.map(({ seq, created, run_id, message }) => ({
        seq,
        created,
        run_id: run_id ?? null,
        message
      })),
      runs: server.lines.flatMap(line =>
        line.type === 'start' && ids.has(line.run_id)
          ? [{ ...line, outcome: 'success', model: null, usage: null }]
          : []
      ),
      beside: [],
      more: older.length > limit
    };
  };

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 50])(
    'paged back from a tail of %i lines, the whole conversation is there',
    limit => {
      let view = hear(EMPTY, server.hello(0, limit));
      for (let pages = 0; view.more && pages < 100; pages += 1) {
        view = foldPage(view, page(view.oldest));
      }
      expect(shown(view)).toEqual(shown(whole));
      expect(view.more).toBe(false);
    }
  );

  test('a tail that begins within an answer asks for what lies before it', () => {
    expect(needsOlder(hear(EMPTY, server.hello(0, 2)))).toBe(true);
    expect(needsOlder(hear(EMPTY, server.hello(0, 4)))).toBe(false);
    expect(needsOlder(whole)).toBe(false);
  });

  test('what is heard after a reset forgets what was there before', () => {
    const reset = hear(whole, { ...server.hello(0, 4), reset: true });
    expect(shown(reset)).toEqual(['question q30 | answer 30 | success']);
    expect(reset.more).toBe(true);
  });
});

describe('what is said here', () => {
  const frame = { kind: 'send', id: 'm1', content: 'plot it' } as const;
  const start = hear(EMPTY, new Server().hello());
  const pending = say(start, frame);

  test('is pending until its line comes', () => {
    expect(pending.pending).toMatchObject([{ id: 'm1', state: 'sending' }]);
    const server = new Server();
    server.ask('m1', 'r1', 'plot it');
    expect(listen(server.frames, pending).pending).toEqual([]);
  });

  test('is on disk once acknowledged, and gone from the pending ones when the line has come first', () => {
    const ack = { kind: 'ack', id: 'm1', runId: 'r1', seq: 1, queued: false } as const;
    expect(hear(pending, ack).pending).toMatchObject([{ id: 'm1', state: 'sent', seq: 1 }]);
    const server = new Server();
    server.ask('m1', 'r1', 'plot it');
    expect(hear(listen(server.frames, pending), ack).pending).toEqual([]);
  });

  test('survives a reset while it is not confirmed, and not once its line lies before the tail', () => {
    const server = conversation();
    expect(hear(pending, { ...server.hello(), reset: true }).pending).toHaveLength(1);
    const sent = hear(pending, { kind: 'ack', id: 'm1', seq: 2 });
    expect(hear(sent, { ...server.hello(), reset: true }).pending).toEqual([]);
  });

  test('keeps its words when it is refused, and may be sent again or taken back', () => {
    const failed = hear(pending, { kind: 'nack', id: 'm1', code: 'busy', message: 'Too many.' });
    expect(failed.pending).toMatchObject([
      { content: 'plot it', state: 'failed', refusal: { code: 'busy' } }
    ]);
    expect(say(failed, frame).pending).toMatchObject([{ id: 'm1', state: 'sending', refusal: null }]);
    expect(discard(failed, 'm1').pending).toEqual([]);
    expect(discard(pending, 'm1').pending).toHaveLength(1);
  });

  test('a refusal of anything else is told, and of the address itself closes the thread', () => {
    const refusal = { kind: 'nack', code: 'not_waiting', message: 'It runs.' } as const;
    expect(hear(start, { ...refusal, id: 'x' }).notice?.code).toBe('not_waiting');
    expect(hear(start, { ...refusal, id: null }).closed?.message).toBe('It runs.');
  });
});
