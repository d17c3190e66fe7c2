/** An answer step by step: words, thinking, tool calls. Pure. */

import type { AnswerRecord, CallInFlight, Message, RunInFlight } from '../protocol';
import { resultOf, textOf } from '../store/turns';
import type { Turn } from '../store/turns';

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly live: CallInFlight | null;
  readonly result: ReturnType<typeof resultOf>;
}

/** What one step of an answer shows, under the id of its message. */
export interface Piece {
  readonly id: string;
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
}

/** The steps of an answer: those in the transcript, then the one in flight, which keeps its place when its line comes. */
export function piecesOf({ run, answers }: Turn, live: RunInFlight | null): readonly Piece[] {
  const inFlight = new Map((live?.tool_calls ?? []).map(call => [call.id, call]));
  const pieces = answers.flatMap(({ message }): Piece[] => {
    if (message.role === 'reasoning') {
      return [{ id: message.id, text: '', reasoning: textOf(message.content), calls: [] }];
    }
    if (message.role !== 'assistant') {
      return [];
    }
    const calls = (message.toolCalls ?? []).map(call => {
      const running = inFlight.get(call.id) ?? null;
      inFlight.delete(call.id);
      return {
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
        live: running,
        result: resultOf(answers, call.id)
      };
    });
    const reasoning = message.metadata?.jupyter?.reasoning ?? '';
    return [{ id: message.id, text: message.content ?? '', reasoning, calls }];
  });
  if (!live) {
    return pieces;
  }
  const calls = [...inFlight.values()].map(call => ({ ...call, live: call, result: null }));
  if (live.text || live.reasoning || calls.length > 0) {
    const id = live.message_id ?? `${run.run_id}:next`;
    return [...pieces, { id, text: live.text, reasoning: live.reasoning, calls }];
  }
  return pieces;
}

/** The calls that have a card of their own: those a person is asked about are on the approval's. */
export function shownOf(calls: readonly Call[], asksFor: ReadonlySet<string | undefined>): readonly Call[] {
  return calls.filter(call => call.result !== null || !asksFor.has(call.id));
}

/** Whether a call was still running when its run was stopped, so that its card says so. */
export function isCutOff(call: Call | undefined): boolean {
  return call !== undefined && (call.result === null || call.result.error !== undefined);
}

/** Whether what was typed is the code that runs, so that it need not be shown twice. */
export function isSameCode(typed: string, code: string | undefined): boolean {
  return code !== undefined && typed.replace(/^(?:!|\/(?:run|sh)\s)/, '').trim() === code.trim();
}

/** What is kept of who said a message. */
export function recordOf(message: Message): AnswerRecord | undefined {
  return message.role === 'assistant' ? message.metadata?.jupyter : undefined;
}
