/** What anybody who may write in an open thread can do with it. What is the owner's alone is `null`. */

import type { Thread } from '../store/thread';
import { alongActionsOf } from './alongActions';
import type { ChatActions } from './Chat';
import type { Host } from './host';

export function visitorsActionsOf(thread: Thread, host: Host): ChatActions {
  const fallback = (): string | null => host.preferences.value.defaultModel || null;
  return {
    send: text => thread.send(text, {}, fallback()),
    submit: text => thread.submit(text, fallback()),
    along: alongActionsOf(thread, host),
    branch: (text, parentRunId, context) =>
      thread.send(text, { parentRunId, ...(context?.length && { context }) }, fallback()),
    look: runId => thread.look(runId),
    decide: (runId, decisions) => thread.decide(runId, decisions),
    sendAgain: id => thread.sendAgain(id),
    discard: id => thread.discard(id),
    cancel: () => thread.cancel(),
    regenerate: messageId => thread.regenerate(messageId),
    withdraw: messageId => thread.withdraw(messageId),
    rewrite: (messageId, text) => thread.rewrite(messageId, text),
    run: null,
    write: draft => thread.write(draft),
    nudge: () => thread.nudge(),
    loadOlder: () => void thread.loadOlder(),
    dismissNotice: () => thread.dismissNotice(),
    chooseModel: null,
    showRequests: null,
    saveOut: path => thread.saveOut(path),
    letRead: null,
    restartKernel: () => thread.restartKernel()
  };
}
