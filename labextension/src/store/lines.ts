/**
 * Folds transcript lines, and pages of older messages, into a view.
 *
 * The rule kept here: folding a line twice is folding it once.
 */

import type { AnswerLine, Line, Message, MessageLine, Outcome, RunLine, StartLine } from '../protocol';
import type { Kept, Run, View } from './view';

/** `GET …/threads/<id>/messages?before=`: messages of the path, oldest first, with the runs they belong to. */
export interface Page {
  readonly messages: readonly {
    readonly seq: number;
    readonly created: string;
    readonly run_id: string | null;
    readonly message: Message;
  }[];
  readonly runs: readonly {
    readonly run_id: string;
    readonly outcome: Outcome | null;
    readonly model?: string | null;
  }[];
  readonly more: boolean;
}

/** A view being folded: its maps are copied once, then changed in place until `sealed`. */
interface Draft extends Omit<Mutable<View>, 'messages' | 'runs' | 'withdrawn'> {
  messages: Map<string, Kept>;
  runs: Map<string, Run>;
  withdrawn: Set<string>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The view after `lines`, in their order. */
export function foldLines(view: View, lines: readonly Line[]): View {
  if (lines.length === 0) {
    return view;
  }
  const draft: Draft = {
    ...view,
    messages: new Map(view.messages),
    runs: new Map(view.runs),
    withdrawn: new Set(view.withdrawn)
  };
  for (const line of lines) {
    foldLine(draft, line);
    draft.seq = Math.max(draft.seq, line.seq);
    draft.oldest = draft.oldest === 0 ? line.seq : Math.min(draft.oldest, line.seq);
  }
  return draft;
}

function foldLine(draft: Draft, line: Line): void {
  switch (line.type) {
    case 'message':
      return foldMessage(draft, line);
    case 'start':
      return foldStart(draft, line);
    case 'run':
      return foldOutcome(draft, line);
    case 'withdrawn':
      draft.withdrawn.add(line.message_id);
      draft.queue = draft.queue.filter(each => each.message_id !== line.message_id);
      return;
    case 'head':
      draft.head = line.run_id;
      draft.tip = null;
      return;
    case 'title':
      draft.thread = draft.thread && { ...draft.thread, title: line.title };
      return;
    case 'notebook':
      draft.thread = draft.thread && { ...draft.thread, notebook: line.notebook };
      return;
    case 'approval':
      draft.approvals = [...without(draft.approvals, line.run_id), line];
      return;
    case 'answer':
      return foldAnswer(draft, line);
    default:
      // A cancel, a copy, a deletion, or a type of a later version: nothing on screen changes.
      return;
  }
}

function foldMessage(draft: Draft, line: MessageLine): void {
  const { message, seq, created } = line;
  const runId = line.run_id ?? null;
  if (!draft.messages.has(message.id)) {
    draft.messages.set(message.id, { seq, created, run_id: runId, message });
  }
  draft.pending = draft.pending.filter(each => each.id !== message.id);
  if (message.role === 'user' || runId === null) {
    return;
  }
  const run = draft.runs.get(runId) ?? unstarted(runId);
  if (!run.message_ids.includes(message.id)) {
    draft.runs.set(runId, { ...run, message_ids: [...run.message_ids, message.id] });
  }
  draft.live = draft.live?.run_id === runId ? settled(draft.live, message) : draft.live;
}

/** The run in flight once `message` stands in the transcript: the line replaces what its pieces said. */
function settled(live: NonNullable<View['live']>, message: Message): View['live'] {
  switch (message.role) {
    case 'assistant':
      return { ...live, message_id: null, text: '', reasoning: '' };
    case 'reasoning':
      return { ...live, reasoning: '' };
    case 'tool':
      return {
        ...live,
        status: '',
        tool_calls: live.tool_calls.filter(call => call.id !== message.toolCallId)
      };
    default:
      return live;
  }
}

function foldStart(draft: Draft, line: StartLine): void {
  const run = draft.runs.get(line.run_id) ?? unstarted(line.run_id);
  const follows = line.parent_run_id === 'head' ? draft.head : line.parent_run_id;
  draft.runs.set(line.run_id, {
    ...run,
    message_id: line.message_id,
    // Read a second time, an older turn must not become its own parent.
    parent_run_id: follows === line.run_id ? run.parent_run_id : follows,
    model: line.model ?? null
  });
  draft.head = line.run_id;
  draft.tip = null;
  draft.queue = draft.queue.filter(each => each.run_id !== line.run_id);
}

function foldAnswer(draft: Draft, line: AnswerLine): void {
  const run = draft.runs.get(line.run_id);
  if (run) {
    draft.runs.set(line.run_id, { ...run, isDecided: true });
  }
  draft.approvals = without(draft.approvals, line.run_id);
  draft.deciding = draft.deciding?.run_id === line.run_id ? null : draft.deciding;
}

function foldOutcome(draft: Draft, line: RunLine): void {
  const run = draft.runs.get(line.run_id) ?? unstarted(line.run_id);
  draft.runs.set(line.run_id, { ...run, outcome: line.outcome, error: line.error ?? null });
  draft.live = draft.live?.run_id === line.run_id ? null : draft.live;
  draft.queue = draft.queue.filter(each => each.run_id !== line.run_id);
}

/** The view with an older page before what it has. */
export function foldPage(view: View, page: Page): View {
  const messages = new Map(view.messages);
  const runs = new Map<string, Run>();
  let previous: string | null | undefined = page.more ? undefined : null;
  let oldest = view.oldest;
  for (const { seq, created, run_id: runId, message } of page.messages) {
    oldest = oldest === 0 ? seq : Math.min(oldest, seq);
    messages.set(message.id, messages.get(message.id) ?? { seq, created, run_id: runId, message });
    if (runId === null) {
      continue;
    }
    const known = runs.get(runId) ?? view.runs.get(runId);
    const had = view.runs.get(runId)?.message_ids.length ?? 0;
    runs.set(runId, withOlder(known ?? { ...unstarted(runId), parent_run_id: previous }, message, had));
    previous = known ? previous : runId;
  }
  for (const { run_id: runId, outcome, model } of page.runs) {
    const run = runs.get(runId);
    if (run) {
      runs.set(runId, { ...run, outcome: run.outcome ?? outcome, model: run.model ?? model ?? null });
    }
  }
  for (const [runId, run] of view.runs) {
    runs.set(runId, runs.get(runId) ?? run);
  }
  return { ...view, messages, runs: joined(runs, view, previous), oldest, more: page.more };
}

/** `run` with one more message of a page: after those of the page, before the `had` it had already. */
function withOlder(run: Run, message: Message, had: number): Run {
  if (message.role === 'user') {
    return { ...run, message_id: run.message_id ?? message.id };
  }
  if (run.message_ids.includes(message.id)) {
    return run;
  }
  const place = run.message_ids.length - had;
  return {
    ...run,
    message_ids: [...run.message_ids.slice(0, place), message.id, ...run.message_ids.slice(place)]
  };
}

/** `runs` with the oldest run that was on screen following `last`, the page's newest. */
function joined(runs: Map<string, Run>, view: View, last: string | null | undefined): Map<string, Run> {
  const oldest = pathOf(view.runs, view.head).at(-1);
  const run = oldest && runs.get(oldest.run_id);
  if (run && run.parent_run_id === undefined && run.run_id !== last) {
    runs.set(run.run_id, { ...run, parent_run_id: last });
  }
  return runs;
}

/** The runs from the head to the oldest that is known, newest first. */
export function pathOf(runs: ReadonlyMap<string, Run>, head: string | null | undefined): Run[] {
  const path: Run[] = [];
  const seen = new Set<string>();
  let next: string | null | undefined = head === undefined ? [...runs.keys()].at(-1) : head;
  while (next != null && !seen.has(next)) {
    seen.add(next);
    const run = runs.get(next);
    if (!run) {
      break;
    }
    path.push(run);
    next = run.parent_run_id;
  }
  return path;
}

function unstarted(runId: string): Run {
  return {
    run_id: runId,
    message_id: null,
    parent_run_id: undefined,
    outcome: null,
    error: null,
    model: null,
    message_ids: []
  };
}

function without<T extends { readonly run_id: string }>(list: readonly T[], runId: string): readonly T[] {
  return list.filter(each => each.run_id !== runId);
}
