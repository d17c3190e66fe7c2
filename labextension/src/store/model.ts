/**
 * Which model answers in a thread, as its path says: the newest question that was put to one, or a `/model` command.
 */

import { DIRECT, textOf, turnsOf } from './turns';
import type { Said } from './view';

const COMMAND = /^\s*\/model(?:\s+(\S+))?\s*$/;

/** Words that are one block of code. */
const FENCE = /^\s*(`{3,})[^`]*\n[\s\S]*\1\s*$/;

export interface ThreadModel {
  /** Its id; `null` where the server chooses. */
  readonly id: string | null;
  /** Whether the server knows it by a command, so that messages need not name it. */
  readonly isCommanded: boolean;
}

/** Whether a message is a command about models, which no model answers. */
export function isModelCommand(text: string): boolean {
  return COMMAND.test(text);
}

export function modelOf(said: Said): ThreadModel {
  for (const { run, question } of [...turnsOf(said)].reverse()) {
    const asked = question?.message.role === 'user' ? textOf(question.message.content) : '';
    const named = COMMAND.exec(asked)?.[1];
    if (named !== undefined) {
      return { id: named === 'default' ? null : named, isCommanded: true };
    }
    // Code that was run from a block in between says nothing about who answers words.
    const isRunFromBlock = run.model === DIRECT && FENCE.test(asked);
    if (run.model !== null && !isModelCommand(asked) && !isRunFromBlock) {
      return { id: run.model, isCommanded: false };
    }
  }
  return { id: null, isCommanded: false };
}

/** The id of the model that answers next by what was said, else `fallback`; "" where the server chooses. */
export function answering(said: Said, fallback: string): string {
  const model = modelOf(said);
  return model.id ?? (model.isCommanded ? '' : fallback);
}
