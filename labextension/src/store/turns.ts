/**
 * What a view shows: turns along the path, what waits, whether something runs.
 */

import type { Content, Message, ToolMessage } from '../protocol';
import { pathOf } from './lines';
import type { Kept, Run, View } from './view';

/** One question with what was answered. The same run and question mean the same turn. */
export interface Turn {
  readonly run: Run;
  /** `null` where it is not read yet, or is the turn's before (an answer made again). */
  readonly question: Kept | null;
  readonly answers: readonly Kept[];
}

/** The turns on screen, oldest first. */
export function turnsOf({ runs, head, messages }: Pick<View, 'runs' | 'head' | 'messages'>): readonly Turn[] {
  return pathOf(runs, head)
    .reverse()
    .map(run => ({
      run,
      question: (run.message_id !== null && messages.get(run.message_id)) || null,
      answers: run.message_ids.flatMap(id => messages.get(id) ?? [])
    }));
}

/** Messages that are accepted and whose run has not begun, oldest first. */
export function waitingOf({
  runs,
  messages,
  withdrawn
}: Pick<View, 'runs' | 'messages' | 'withdrawn'>): readonly Kept[] {
  const asked = new Set(Array.from(runs.values(), run => run.message_id));
  return [...messages.values()].filter(
    ({ run_id: runId, message }) =>
      message.role === 'user' &&
      runId !== null &&
      !asked.has(message.id) &&
      !runs.get(runId)?.outcome &&
      !withdrawn.has(message.id)
  );
}

/** The run that goes on, here or on another server; `null` where none does. */
export function runningOf(view: View): string | null {
  if (view.live) {
    return view.live.run_id;
  }
  const last = [...view.runs.values()].at(-1);
  return last && last.outcome === null ? last.run_id : null;
}

/** Whether something on screen refers to a message that lies before what has been read. */
export function needsOlder(view: View): boolean {
  if (!view.more) {
    return false;
  }
  const path = pathOf(view.runs, view.head);
  const isUnasked = path.some(run => run.message_id === null || !view.messages.has(run.message_id));
  return path.length === 0 || isUnasked || view.queue.some(each => !view.messages.has(each.message_id));
}

/** The words of a message, without its images or files. */
export function textOf(content: Content | undefined): string {
  if (typeof content === 'string') {
    return content;
  }
  return (content ?? []).flatMap(part => (part.type === 'text' ? [part.text] : [])).join('\n');
}

/** The words of any message. */
export function wordsOf(message: Message): string {
  return message.role === 'assistant' ? (message.content ?? '') : textOf(message.content);
}

/** The result of a tool call among a run's answers. */
export function resultOf(answers: readonly Kept[], toolCallId: string): ToolMessage | null {
  for (const { message } of answers) {
    if (message.role === 'tool' && message.toolCallId === toolCallId) {
      return message;
    }
  }
  return null;
}
