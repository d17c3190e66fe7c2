/**
 * Folds transcript lines, and pages of older messages, into a view.
 *
 * The rule kept here: folding a line twice is folding it once.
 */

import type { AnswerLine, Line, Message, MessageLine, Outcome, RunLine, StartLine, Usage } from '../protocol';
import type { Kept, Run, View } from './view';

/** `GET …/threads/<id>/messages?before=`: messages of the path, oldest first, with the runs they belong to. */
export interface Page {
  readonly messages: readonly {
    readonly seq: number;
    readonly created: string;
    readonly run_id: string | null;
    readonly message: Message;
  }[];
  readonly runs: readonly ToldRun[];
  /** The beginnings of other branches. */
  readonly beside: readonly ToldRun[];
  readonly more: boolean;
}

export interface ToldRun {
  readonly run_id: string;
  readonly message_id: string;
  readonly parent_run_id: string | null;
  readonly seq: number;
  readonly outcome: Outcome | null;
  readonly model: string | null;
  readonly usage: Usage | null;
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
    model: line.model ?? null,
    seq: line.seq,
    isBeside: false
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
  draft.runs.set(line.run_id, {
    ...run,
    outcome: line.outcome,
    error: line.error ?? null,
    usage: line.usage ?? null
  });
  draft.live = draft.live?.run_id === line.run_id ? null : draft.live;
  draft.queue = draft.queue.filter(each => each.run_id !== line.run_id);
}

/** The view with a page of the path before what it has of it, and what stands beside that. */
export function foldPage(view: View, page: Page): View {
  const messages = new Map(view.messages);
  const runs = new Map(view.runs);
  let { oldest } = view;
  for (const told of page.beside) {
    runs.set(
      told.run_id,
      withTold(runs.get(told.run_id) ?? { ...unstarted(told.run_id), isBeside: true }, told)
    );
  }
  for (const told of page.runs) {
    runs.set(told.run_id, {
      ...withTold(runs.get(told.run_id) ?? unstarted(told.run_id), told),
      isBeside: false
    });
  }
  for (const { seq, created, run_id: runId, message } of page.messages) {
    oldest = oldest === 0 ? seq : Math.min(oldest, seq);
    messages.set(message.id, messages.get(message.id) ?? { seq, created, run_id: runId, message });
    const run = runId === null || message.role === 'user' ? undefined : runs.get(runId);
    if (run) {
      const had = view.runs.get(run.run_id)?.message_ids.length ?? 0;
      runs.set(run.run_id, withOlder(run, message.id, had));
    }
  }
  const inOrder = [...runs].sort(([, one], [, other]) => one.seq - other.seq);
  return { ...view, messages, runs: new Map(inOrder), oldest, more: page.more };
}

/** The view once the newest page of its path is read: what is older than that is asked for before it. */
export function foldNewest(view: View, page: Page): View {
  return foldPage({ ...view, oldest: 0 }, page);
}

/** What is known of a run, with what a page tells; lines that were heard go before it. */
function withTold(run: Run, told: ToldRun): Run {
  return {
    ...run,
    message_id: told.message_id,
    parent_run_id: told.parent_run_id,
    seq: told.seq,
    outcome: run.outcome ?? told.outcome,
    model: run.model ?? told.model,
    usage: run.usage ?? told.usage
  };
}

/** `run` with one more message of a page: after those of the page, before the `had` it had already. */
function withOlder(run: Run, id: string, had: number): Run {
  if (run.message_ids.includes(id)) {
    return run;
  }
  const place = run.message_ids.length - had;
  return { ...run, message_ids: [...run.message_ids.slice(0, place), id, ...run.message_ids.slice(place)] };
}

/** Whether all of the path has been read, from the head to the root. */
export function isWhole({ runs, head }: Pick<View, 'runs' | 'head'>): boolean {
  const path = pathOf(runs, head);
  const first = path.at(-1);
  return path.every(run => !run.isBeside) && (first ? first.parent_run_id === null : head == null);
}

/** Whether the branch that ends with `tip` has been read as far back as the path has. */
export function joinsRead({ runs, head }: Pick<View, 'runs' | 'head'>, tip: string): boolean {
  const branch = pathOf(runs, tip);
  const first = branch.at(-1);
  const isJoined = first?.parent_run_id === null || first?.run_id === pathOf(runs, head).at(-1)?.run_id;
  return isJoined && branch.every(run => !run.isBeside);
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
    usage: null,
    seq: 0,
    message_ids: []
  };
}

function without<T extends { readonly run_id: string }>(list: readonly T[], runId: string): readonly T[] {
  return list.filter(each => each.run_id !== runId);
}
