/**
 * What a view shows: turns along the path, what waits, whether something runs.
 */

import type { Content, ContextItem, Message, ToolMessage } from '../protocol';
import { pathOf } from './lines';
import type { Kept, Run, Said, View } from './view';

/** One question with what was answered. The same runs and question mean the same turn. */
export interface Turn {
  /** The run the answer ends with. */
  readonly run: Run;
  /** All runs of the answer, oldest first: one that had to ask a person goes on in the next. */
  readonly runs: readonly Run[];
  /** `null` where it is not read yet, or is the turn's before (an answer made again). */
  readonly question: Kept | null;
  readonly answers: readonly Kept[];
  /** First runs of the answers to each wording of the question, this one's among them. */
  readonly wordings: readonly string[];
  /** First runs of the answers to this wording, this one among them. */
  readonly versions: readonly string[];
}

/** The run the path on screen ends with: where a branch was sent and not confirmed, the run it follows. */
export function endOf({ pending, tip, head }: Pick<View, 'pending' | 'tip' | 'head'>): View['head'] {
  const branch = pending.find(
    each => each.state !== 'failed' && each.options?.parentRunId !== undefined
  )?.options;
  return branch ? branch.parentRunId : (tip ?? head);
}

/** The turns on the path that ends with run `end`, oldest first. */
export function turnsTo(
  end: View['head'],
  { runs, messages }: Pick<View, 'runs' | 'messages'>
): readonly Turn[] {
  const children = childrenOf(runs);
  const turns: Turn[] = [];
  for (const run of pathOf(runs, end).reverse()) {
    const said = run.message_ids.flatMap(id => messages.get(id) ?? []);
    const before = turns.at(-1);
    if (before && continues(run, before.run)) {
      const parts = [...before.runs, run];
      turns[turns.length - 1] = { ...before, run, runs: parts, answers: [...before.answers, ...said] };
      continue;
    }
    const siblings = run.parent_run_id === undefined ? [run] : (children.get(run.parent_run_id) ?? [run]);
    const newest = new Map(siblings.map(each => [each.message_id, each.run_id]));
    newest.set(run.message_id, run.run_id);
    turns.push({
      run,
      runs: [run],
      question: (run.message_id !== null && messages.get(run.message_id)) || null,
      answers: said,
      wordings: [...newest.values()],
      versions: siblings.filter(each => each.message_id === run.message_id).map(each => each.run_id)
    });
  }
  return turns;
}

/** The turns on screen, oldest first. */
export function turnsOf(said: Said): readonly Turn[] {
  return turnsTo(endOf(said), said);
}

/** Whether `run` is the rest of the answer that `before` had to interrupt to ask a person. */
function continues(run: Run, before: Run): boolean {
  return (
    before.outcome === 'waiting' &&
    run.parent_run_id === before.run_id &&
    (run.message_id === before.message_id || run.message_id === null)
  );
}

/** Runs by the run they follow, `null` being the root, in the order they began. */
function childrenOf(runs: ReadonlyMap<string, Run>): ReadonlyMap<string | null, readonly Run[]> {
  const children = new Map<string | null, Run[]>();
  for (const run of runs.values()) {
    if (run.parent_run_id !== undefined) {
      const siblings = children.get(run.parent_run_id);
      if (siblings) {
        siblings.push(run);
      } else {
        children.set(run.parent_run_id, [run]);
      }
    }
  }
  return children;
}

/** The run a branch through `runId` ends with: of several that follow one, the newest is taken. */
export function leafOf(runs: ReadonlyMap<string, Run>, runId: string): string {
  const children = childrenOf(runs);
  const seen = new Set<string>();
  let leaf = runId;
  while (!seen.has(leaf)) {
    seen.add(leaf);
    leaf = children.get(leaf)?.at(-1)?.run_id ?? leaf;
  }
  return leaf;
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

/** Whether there is something to stop: a run that goes on, or one that asks. */
export function isStoppable(view: View): boolean {
  return runningOf(view) !== null || view.approvals.length > 0;
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

/** What a person sent along with a message. */
export function alongOf(message: Message): readonly ContextItem[] {
  const items =
    message.role === 'user' ? (message.metadata as SentRecord | undefined)?.jupyter?.context : null;
  return Array.isArray(items) ? items : NONE_ALONG;
}

const NONE_ALONG: readonly ContextItem[] = [];

interface SentRecord {
  readonly jupyter?: { readonly context?: readonly ContextItem[] };
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

/** The new Python that the last answer on screen met, and why it is a new one; `null` where it met none. */
export function restartIn(said: Said): { readonly key: string; readonly reason: string } | null {
  const [run] = pathOf(said.runs, endOf(said));
  for (const id of run ? [...run.message_ids].reverse() : []) {
    const message = said.messages.get(id)?.message;
    const kernel = message?.role === 'tool' ? message.metadata?.jupyter?.kernel : undefined;
    if (kernel?.fresh && kernel.reason !== undefined && kernel.reason !== 'first') {
      return { key: id, reason: kernel.reason };
    }
  }
  return null;
}

/** Who runs code that a person has run from a block of it. */
export const DIRECT = 'direct';
