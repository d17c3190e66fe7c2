/**
 * What a saved notebook keeps of a chat, so that it can be read where there is no server: its last turns, cut to size.
 */

import type { Message, Outcome, ToolMessage } from '../protocol';
import { argumentsOf, titleOf } from '../components/arguments';
import { textOf, turnsOf, wordsOf } from '../store/turns';
import type { Turn } from '../store/turns';
import { EMPTY } from '../store/view';
import type { Kept, Run, View } from '../store/view';

export const MIME = 'application/vnd.jupyter-chat-sessions+json';

/** The bundle's data under `MIME`. The kernel writes the first four, the browser the rest. */
export interface Saved {
  readonly schema_version: number;
  readonly thread_id: string | null;
  /** The widget in the kernel that made the panel, as long as that kernel lives. */
  readonly model_id?: string;
  readonly height?: string;
  readonly title?: string;
  readonly turns?: readonly SavedTurn[];
}

export interface SavedTurn {
  readonly question: Message | null;
  readonly answers: readonly Message[];
  readonly outcome: Outcome | null;
}

/** The most characters of JSON that are kept in a notebook. */
export const MOST = 64_000;

/** The most characters of one text in it. */
const MOST_TEXT = 4_000;

/** The last turns on screen, as many as fit. */
export function savedTurns(view: View): readonly SavedTurn[] {
  const kept: SavedTurn[] = [];
  let size = 0;
  for (const turn of [...turnsOf(view)].reverse()) {
    const saved = savedTurn(turn);
    size += JSON.stringify(saved).length;
    if (size > MOST) {
      break;
    }
    kept.unshift(saved);
  }
  return kept;
}

function savedTurn({ run, question, answers }: Turn): SavedTurn {
  return {
    question: question && (shortened(question.message) as Message),
    answers: answers.map(({ message }) => shortened(message) as Message),
    outcome: run.outcome
  };
}

/** A value with its long texts cut, and without what only this server can resolve or only a screen can show. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length > MOST_TEXT ? `${value.slice(0, MOST_TEXT)}…` : value;
  }
  if (Array.isArray(value)) {
    return value.map(shortened);
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([name]) => name !== 'url' && !name.startsWith('image/'));
    return Object.fromEntries(entries.map(([name, each]) => [name, shortened(each)]));
  }
  return value;
}

/** A view that shows what was saved. */
export function viewOf({ turns = [] }: Saved): View {
  const messages = new Map<string, Kept>();
  const runs = new Map<string, Run>();
  let parent: string | null = null;
  for (const [place, { question, answers, outcome }] of turns.entries()) {
    const runId = `saved-${place}`;
    for (const message of [...(question ? [question] : []), ...answers]) {
      messages.set(message.id, { seq: 0, created: '', run_id: runId, message });
    }
    runs.set(runId, {
      run_id: runId,
      message_id: question?.id ?? null,
      parent_run_id: parent,
      outcome: outcome ?? 'interrupted',
      error: null,
      model: null,
      usage: null,
      seq: place + 1,
      message_ids: answers.map(each => each.id)
    });
    parent = runId;
  }
  return { ...EMPTY, messages, runs, head: parent };
}

/** The same as HTML without script, for where no front end is: nbconvert, a site that shows notebooks. */
export function htmlOf({ title, turns = [] }: Saved): string {
  const shown = turns.flatMap(({ question, answers }) => [
    ...(question ? [`<p><b>You</b></p>${pre(wordsOf(question))}`] : []),
    ...answers.map(message => htmlOfMessage(message, answers, question ? wordsOf(question) : ''))
  ]);
  return `<section class="jupyter-chat-sessions"><p><b>${escaped(title || 'Chat')}</b></p>${shown.join('')}</section>`;
}

function htmlOfMessage(message: Message, all: readonly Message[], asked: string): string {
  if (message.role !== 'assistant') {
    return '';
  }
  const words = message.content ? `<p><b>Answer</b></p>${pre(message.content)}` : '';
  const calls = (message.toolCalls ?? []).map(call => {
    const { code, others } = argumentsOf(call.function.arguments);
    const result = all.find(
      (each): each is ToolMessage => each.role === 'tool' && each.toolCallId === call.id
    );
    const wanted = code?.text ?? others;
    const name = `<p><b>${escaped(titleOf(call.function.name))}</b></p>`;
    return name + (wanted === asked ? '' : pre(wanted)) + (result ? pre(textOf(result.content)) : '');
  });
  return words + calls.join('');
}

function pre(text: string): string {
  return text ? `<pre style="white-space: pre-wrap; font-family: monospace">${escaped(text)}</pre>` : '';
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;'
  };
  return text.replace(/[&<>"]/g, each => entities[each]);
}
