/**
 * What becomes of a view when a frame is heard, or something is said here. Pure.
 *
 * The rule kept here: to join at any time, any number of times, ends in the same view. Lines are the truth, pieces are
 * only shown until their line comes; a line or an event that was heard before changes nothing.
 */

import { EventType } from '../protocol';
import type {
  AckFrame,
  AnswerFrame,
  CallInFlight,
  EventFrame,
  HelloFrame,
  NackFrame,
  Output,
  Question,
  RunEvent,
  RunInFlight,
  SendFrame,
  ServerFrame
} from '../protocol';
import { foldLines } from './lines';
import { EMPTY } from './view';
import type { Pending, View } from './view';

/** The view after a frame from the server. */
export function hear(view: View, frame: ServerFrame): View {
  switch (frame.kind) {
    case 'hello':
      return greeted(view, frame);
    case 'event':
      return told(view, frame);
    case 'ack':
      return confirmed(view, frame);
    case 'nack':
      return refused(view, frame);
    default:
      // A kind of a later version.
      return view;
  }
}

/** The view with a message of this client that waits for its line. Said again, a failed message is pending again. */
export function say(view: View, frame: SendFrame): View {
  if (view.messages.has(frame.id)) {
    return view;
  }
  const pending: Pending = {
    id: frame.id,
    content: frame.content,
    options: frame.options,
    state: 'sending',
    seq: null,
    refusal: null
  };
  const others = view.pending.filter(each => each.id !== frame.id);
  return { ...view, pending: [...others, pending] };
}

/** The view without a message of this client that failed. */
export function discard(view: View, id: string): View {
  return { ...view, pending: view.pending.filter(each => each.id !== id || each.state !== 'failed') };
}

/** The view with this client's answer to what a run asks; it counts once its line comes. */
export function decide(view: View, frame: AnswerFrame): View {
  return { ...view, deciding: { run_id: frame.runId, id: frame.id, refusal: null } };
}

/** The view with the branch that ends with run `tip` on screen. */
export function look(view: View, tip: string): View {
  return view.runs.has(tip) ? { ...view, tip: tip === view.head ? null : tip } : view;
}

/** The view without its notice. */
export function dismiss(view: View): View {
  return view.notice ? { ...view, notice: null } : view;
}

function greeted(view: View, hello: HelloFrame): View {
  const known = hello.reset ? { ...EMPTY, pending: view.pending, deciding: view.deciding } : view;
  const fresh = hello.lines.filter(line => line.seq > known.seq);
  // The title and the rest come with the hello as they are now; its lines are folded under them, not over them.
  const folded = foldLines(known, fresh);
  return {
    ...folded,
    thread: hello.thread,
    agent: hello.agent,
    level: hello.level,
    most: hello.most_bytes ?? null,
    seq: Math.max(folded.seq, hello.seq),
    more: known.oldest === 0 || hello.reset ? hello.more : known.more,
    live: hello.run,
    queue: hello.queue,
    approvals: hello.approvals,
    deciding: hello.approvals.some(each => each.run_id === folded.deciding?.run_id) ? folded.deciding : null,
    pending: folded.pending.filter(each => each.seq === null || each.seq > hello.seq),
    closed: null
  };
}

function told(view: View, frame: EventFrame): View {
  const { event } = frame;
  if (event.type === EventType.CUSTOM) {
    switch (event.name) {
      case 'line':
        // Several lines may carry one number, so the newest number is folded again; that changes nothing.
        return event.value.seq < view.seq ? view : foldLines(view, [event.value]);
      case 'notebook':
        return view;
      case 'queue':
        return { ...view, queue: event.value.queue };
      case 'thread': {
        const { level, agent, ...thread } = event.value;
        return {
          ...view,
          level: level ?? view.level,
          agent: agent ?? view.agent,
          thread: view.thread && { ...view.thread, ...thread }
        };
      }
      case 'tool_status':
      case 'tool_output':
        break;
      default:
        return view;
    }
  }
  return frame.n === undefined || frame.run_id === undefined
    ? view
    : toldOfRun(view, frame.run_id, frame.n, event);
}

function toldOfRun(view: View, runId: string, n: number, event: RunEvent): View {
  if (event.type === EventType.RUN_FINISHED && event.outcome?.type === 'interrupt') {
    return asked(view, runId, event.outcome.interrupts);
  }
  if (view.runs.get(runId)?.outcome != null) {
    return view;
  }
  const live = view.live?.run_id === runId ? view.live : begun(runId);
  if (n <= live.n) {
    return view;
  }
  return { ...view, live: { ...continued(view, live, event), n } };
}

/** The view with what a run asks, unless that is on screen or answered already. */
function asked(view: View, runId: string, interrupts: readonly Question[]): View {
  const isKnown = view.approvals.some(each => each.run_id === runId);
  const isOver = view.runs.get(runId)?.isDecided ?? false;
  return isKnown || isOver
    ? view
    : { ...view, approvals: [...view.approvals, { run_id: runId, interrupts }] };
}

function begun(runId: string): RunInFlight {
  return { run_id: runId, message_id: null, n: 0, text: '', reasoning: '', status: '', tool_calls: [] };
}

/** The run in flight after one of its events. */
function continued(view: View, live: RunInFlight, event: RunEvent): RunInFlight {
  switch (event.type) {
    case EventType.TEXT_MESSAGE_START:
      return { ...live, message_id: event.messageId, text: '' };
    case EventType.TEXT_MESSAGE_CONTENT: {
      if (view.messages.has(event.messageId)) {
        return live;
      }
      const text = live.message_id === event.messageId ? live.text : '';
      return { ...live, message_id: event.messageId, text: text + event.delta };
    }
    case EventType.REASONING_MESSAGE_CONTENT:
      return { ...live, reasoning: live.reasoning + event.delta };
    case EventType.TOOL_CALL_START:
      return {
        ...live,
        message_id: event.parentMessageId ?? live.message_id,
        tool_calls: [
          ...live.tool_calls.filter(call => call.id !== event.toolCallId),
          { id: event.toolCallId, name: event.toolCallName, arguments: '', status: 'writing', outputs: [] }
        ]
      };
    case EventType.TOOL_CALL_ARGS:
      return changed(live, event.toolCallId, call => ({ ...call, arguments: call.arguments + event.delta }));
    case EventType.TOOL_CALL_END:
      return changed(live, event.toolCallId, call => ({ ...call, status: 'asked' }));
    case EventType.TOOL_CALL_RESULT:
      return {
        ...live,
        status: '',
        tool_calls: live.tool_calls.filter(call => call.id !== event.toolCallId)
      };
    case EventType.CUSTOM:
      return event.name === 'tool_status'
        ? { ...running(live, event.value.toolCallId, event.value.toolCallName), status: event.value.text }
        : {
            ...changed(running(live, event.value.toolCallId), event.value.toolCallId, call => ({
              ...call,
              outputs: appended(call.outputs, event.value.output)
            })),
            status: ''
          };
    default:
      return live;
  }
}

/** The run with a call that runs now; a viewer that joined late may hear of it for the first time. */
function running(live: RunInFlight, id: string, name = ''): RunInFlight {
  if (live.tool_calls.some(call => call.id === id)) {
    return changed(live, id, call => ({ ...call, status: 'running' }));
  }
  const call: CallInFlight = { id, name, arguments: '', status: 'running', outputs: [] };
  return { ...live, tool_calls: [...live.tool_calls, call] };
}

function changed(live: RunInFlight, id: string, change: (call: CallInFlight) => CallInFlight): RunInFlight {
  return { ...live, tool_calls: live.tool_calls.map(call => (call.id === id ? change(call) : call)) };
}

/** `outputs` with one more; pieces of one stream are joined. */
export function appended(outputs: readonly Output[], output: Output): readonly Output[] {
  const last = outputs.at(-1);
  if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name) {
    const text = [last.text, output.text].flat().join('');
    return [...outputs.slice(0, -1), { ...last, text }];
  }
  return [...outputs, output];
}

function confirmed(view: View, ack: AckFrame): View {
  const pending = view.pending.flatMap((each): Pending[] => {
    if (each.id !== ack.id) {
      return [each];
    }
    // Its line may have come and gone from what is kept here; then there is nothing to wait for.
    const isShown = view.messages.has(each.id) || (ack.seq !== undefined && ack.seq <= view.seq);
    return isShown ? [] : [{ ...each, state: 'sent', seq: ack.seq ?? null, refusal: null }];
  });
  return { ...view, pending };
}

function refused(view: View, nack: NackFrame): View {
  const refusal = { code: nack.code, message: nack.message };
  if (nack.id === null) {
    return { ...view, closed: refusal };
  }
  if (view.deciding?.id === nack.id) {
    return { ...view, deciding: { ...view.deciding, refusal } };
  }
  if (!view.pending.some(each => each.id === nack.id)) {
    return { ...view, notice: refusal };
  }
  return {
    ...view,
    pending: view.pending.map(each => (each.id === nack.id ? { ...each, state: 'failed', refusal } : each))
  };
}
