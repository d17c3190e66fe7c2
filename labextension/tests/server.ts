/** A server's side of one thread, small enough to be read at a glance: it makes the frames the tests listen to. */

import { EventType } from '../src/protocol';
import type {
  Approval,
  EventFrame,
  HelloFrame,
  Line,
  Output,
  Question,
  RunEvent,
  RunInFlight,
  ServerFrame
} from '../src/protocol';

type Unnumbered<T> = T extends Line ? Omit<T, 'seq' | 'created'> : never;

export const THREAD = '11111111-1111-4111-8111-111111111111';

export class Server {
  readonly lines: Line[] = [];
  /** Every frame a listener who was there from the beginning has heard, the hello aside. */
  readonly frames: ServerFrame[] = [];
  private run: RunInFlight | null = null;
  private queue: readonly { message_id: string; run_id: string }[] = [];
  private approvals: readonly Approval[] = [];
  /** How things stood before each frame, and stand now. */
  private readonly states = [{ count: 0, run: this.run, queue: this.queue, approvals: this.approvals }];

  /** What someone is told who joins now, or joined before frame `at`. `limit` is how many lines a hello holds. */
  hello(after = 0, limit = 200, at = this.frames.length): HelloFrame {
    const { count, run, queue, approvals } = this.states[at];
    const lines = this.lines.slice(0, count);
    const fresh = lines.filter(line => line.seq > after);
    const isReset = fresh.length > limit || after > count;
    return structuredClone({
      kind: 'hello',
      thread: {
        thread_id: THREAD,
        title: 'Untitled chat',
        notebook: 'report.ipynb',
        folder: 'analysis',
        created: '2026-11-21T10:00:00.000Z',
        saved: true,
        read_only: false
      },
      seq: count,
      reset: isReset,
      lines: isReset ? lines.slice(-limit) : fresh,
      more: isReset && count > limit,
      run,
      approvals,
      queue,
      agent: { id: 'direct', label: 'Direct mode', kind: 'none' },
      level: 'confined'
    });
  }

  line(line: Unnumbered<Line>): void {
    const seq = this.lines.length + 1;
    const whole = {
      ...line,
      seq,
      created: `2026-11-21T10:00:${String(seq % 60).padStart(2, '0')}.000Z`
    } as Line;
    this.lines.push(whole);
    this.tell({ kind: 'event', seq, event: { type: EventType.CUSTOM, name: 'line', value: whole } });
  }

  event(event: RunEvent): void {
    if (this.run === null) {
      throw new Error('No run is in flight.');
    }
    this.run = { ...this.run, n: this.run.n + 1 };
    this.tell({ kind: 'event', run_id: this.run.run_id, n: this.run.n, event });
  }

  ask(id: string, runId: string, content = `question ${id}`): void {
    this.queue = [...this.queue, { message_id: id, run_id: runId }];
    this.line({ type: 'message', message: { id, role: 'user', content }, run_id: runId });
  }

  start(id: string, runId: string, parent: string | null, model: string | null = null): void {
    this.queue = this.queue.filter(each => each.run_id !== runId);
    this.run = { run_id: runId, message_id: null, n: 0, text: '', reasoning: '', status: '', tool_calls: [] };
    this.line({ type: 'start', run_id: runId, message_id: id, parent_run_id: parent, model });
    this.event({ type: EventType.RUN_STARTED, threadId: THREAD, runId });
  }

  /** Says `pieces`, then keeps them as one message. */
  say(id: string, pieces: readonly string[]): void {
    this.event({ type: EventType.TEXT_MESSAGE_START, messageId: id, role: 'assistant' });
    for (const delta of pieces) {
      this.change(run => ({ ...run, message_id: id, text: run.text + delta }));
      this.event({ type: EventType.TEXT_MESSAGE_CONTENT, messageId: id, delta });
    }
    this.event({ type: EventType.TEXT_MESSAGE_END, messageId: id });
    this.keep({ id, role: 'assistant', content: pieces.join('') });
  }

  /** Calls a tool that puts out `outputs`. */
  call(id: string, callId: string, code: string, outputs: readonly Output[]): void {
    const args = JSON.stringify({ code });
    const call = { id: callId, name: 'run_python', arguments: '', status: 'writing' as const, outputs: [] };
    this.change(run => ({ ...run, message_id: id, tool_calls: [...run.tool_calls, call] }));
    this.event({
      type: EventType.TOOL_CALL_START,
      toolCallId: callId,
      toolCallName: 'run_python',
      parentMessageId: id
    });
    for (const delta of [args.slice(0, 5), args.slice(5)]) {
      this.changeCall(callId, each => ({ ...each, arguments: each.arguments + delta }));
      this.event({ type: EventType.TOOL_CALL_ARGS, toolCallId: callId, delta });
    }
    this.changeCall(callId, each => ({ ...each, status: 'asked' }));
    this.event({ type: EventType.TOOL_CALL_END, toolCallId: callId });
    const toolCall = {
      id: callId,
      type: 'function' as const,
      function: { name: 'run_python', arguments: args }
    };
    this.keep({ id, role: 'assistant', content: '', toolCalls: [toolCall] });
    this.change(run => ({ ...run, status: 'Starting Python' }));
    this.changeCall(callId, each => ({ ...each, status: 'running' }));
    this.event({
      type: EventType.CUSTOM,
      name: 'tool_status',
      value: { toolCallId: callId, text: 'Starting Python' }
    });
    for (const output of outputs) {
      this.change(run => ({ ...run, status: '' }));
      this.changeCall(callId, each => ({ ...each, outputs: [...each.outputs, output] }));
      this.event({ type: EventType.CUSTOM, name: 'tool_output', value: { toolCallId: callId, output } });
    }
    const message = { id: `${id}:result`, role: 'tool' as const, toolCallId: callId, content: 'done' };
    this.change(run => ({ ...run, tool_calls: run.tool_calls.filter(each => each.id !== callId) }));
    this.line({
      type: 'message',
      message: { ...message, metadata: { jupyter: { outputs, duration_ms: 12 } } },
      run_id: this.run?.run_id
    });
    this.event({
      type: EventType.TOOL_CALL_RESULT,
      messageId: message.id,
      toolCallId: callId,
      content: 'done',
      role: 'tool'
    });
  }

  end(outcome: 'success' | 'error' | 'cancelled' = 'success'): void {
    const runId = this.run?.run_id ?? '';
    const n = (this.run?.n ?? 0) + 1;
    this.run = null;
    this.line({
      type: 'run',
      run_id: runId,
      outcome,
      error: outcome === 'error' ? { code: 'x', message: 'no' } : null
    });
    this.tell({
      kind: 'event',
      run_id: runId,
      n,
      event: { type: EventType.RUN_FINISHED, threadId: THREAD, runId, outcome: { type: 'success' } }
    });
  }

  /** Asks for calls of `run_python`, as a model does that needs a person's word: the run ends and waits. */
  askPerson(id: string, codes: readonly string[]): readonly Question[] {
    const runId = this.run?.run_id ?? '';
    const toolCalls = codes.map((code, place) => ({
      id: `${id}:c${place}`,
      type: 'function' as const,
      function: { name: 'run_python', arguments: JSON.stringify({ code }) }
    }));
    this.keep({ id, role: 'assistant', content: 'May I?', toolCalls });
    const interrupts = codes.map((code, place): Question => ({
      id: `${id}:i${place}`,
      reason: 'tool_call',
      message: 'May run_python run?',
      toolCallId: `${id}:c${place}`,
      tool: 'run_python',
      arguments: { code },
      level: 'unconfined'
    }));
    const n = (this.run?.n ?? 0) + 1;
    this.run = null;
    this.line({ type: 'run', run_id: runId, outcome: 'waiting' });
    this.approvals = [{ run_id: runId, interrupts }];
    this.line({ type: 'approval', run_id: runId, interrupts });
    const outcome = { type: 'interrupt' as const, interrupts: [...interrupts] };
    this.tell({
      kind: 'event',
      run_id: runId,
      n,
      event: { type: EventType.RUN_FINISHED, threadId: THREAD, runId, outcome }
    });
    return interrupts;
  }

  /** Someone answers what `runId` asks; `next` goes on, unless all was declined by Stop. */
  decided(runId: string, messageId: string, next: string | null): void {
    this.approvals = [];
    this.line({ type: 'answer', run_id: runId, answers: [] });
    if (next !== null) {
      this.start(messageId, next, runId);
    }
  }

  /** The result of a call that was asked for before this run. */
  result(id: string, callId: string, content: string): void {
    this.line({
      type: 'message',
      message: { id, role: 'tool', toolCallId: callId, content },
      run_id: this.run?.run_id
    });
  }

  /** Keeps an assistant's message: from now on its words stand in a line. */
  private keep(message: {
    id: string;
    role: 'assistant';
    content: string;
    toolCalls?: never[] | object[];
  }): void {
    this.change(run => ({ ...run, message_id: null, text: '', reasoning: '' }));
    this.line({ type: 'message', message: message as never, run_id: this.run?.run_id });
  }

  private tell(frame: EventFrame): void {
    this.frames.push(frame);
    const { run, queue, approvals } = this;
    this.states.push({ count: this.lines.length, run, queue, approvals });
  }

  private change(change: (run: RunInFlight) => RunInFlight): void {
    this.run = this.run && change(this.run);
  }

  private changeCall(
    id: string,
    change: (call: RunInFlight['tool_calls'][number]) => RunInFlight['tool_calls'][number]
  ): void {
    this.change(run => ({
      ...run,
      tool_calls: run.tool_calls.map(each => (each.id === id ? change(each) : each))
    }));
  }
}

/** A model asks to run two calls, is allowed to, and goes on. */
export function permission(server = new Server()): Server {
  server.ask('p1', 's1');
  server.start('p1', 's1', null);
  server.askPerson('b1', ['one()', 'two()']);
  server.decided('s1', 'p1', 's2');
  server.result('b1:r0', 'b1:c0', 'first');
  server.result('b1:r1', 'b1:c1', 'second');
  server.say('b2', ['Both', ' ran.']);
  server.end();
  return server;
}

/** A conversation with words, a tool call, a waiting message, a failure and an answer made again. */
export function conversation(server = new Server()): Server {
  server.ask('q1', 'r1');
  server.start('q1', 'r1', null);
  server.say('a1', ['The mean', ' is', ' 4', '2 — né', '🙂']);
  server.ask('q2', 'r2');
  server.call('a2', 'c1', 'plot()', [
    { output_type: 'stream', name: 'stdout', text: 'one\n' },
    { output_type: 'display_data', data: { 'text/plain': '<Figure>' }, metadata: { artifact: 'plot-1.png' } },
    { output_type: 'stream', name: 'stdout', text: 'two\n' }
  ]);
  server.say('a3', ['See', ' the figure.']);
  server.end();
  server.start('q2', 'r2', 'r1');
  server.say('a4', ['Not', ' yet']);
  server.end('error');
  server.start('q2', 'r3', 'r1');
  server.say('a5', ['Better', ' now.']);
  server.line({ type: 'title', title: 'Means' });
  server.end();
  return server;
}
