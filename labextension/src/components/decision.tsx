/** What every card shares on which a person decides: one answer is given, and it is said where that did not count. */

import type { RefObject } from 'react';

import type { Approval, Decision } from '../protocol';
import type { Deciding } from '../store/view';
import { wordsOf } from './Banner';
import { useHost } from './host';

export interface DecisionProps {
  readonly approval: Approval;
  /** The answer that is on its way, or was refused; `null` where none was given here. */
  readonly deciding: Deciding | null;
  readonly onDecide: (runId: string, decisions: ReadonlyMap<string, Decision>) => void;
}

/** Whether an answer is on its way. */
export function isOnItsWay(deciding: Deciding | null): boolean {
  return deciding !== null && deciding.refusal === null;
}

/** Gives an answer, unless one is on its way. The card goes then, and the focus in it to the conversation. */
export function decideOn(
  card: RefObject<HTMLElement>,
  { approval, deciding, onDecide }: DecisionProps,
  decisions: ReadonlyMap<string, Decision>
): void {
  if (isOnItsWay(deciding)) {
    return;
  }
  if (card.current?.contains(document.activeElement)) {
    card.current.closest<HTMLElement>('[role="log"]')?.focus();
  }
  onDecide(approval.run_id, decisions);
}

/** Why an answer did not count; nothing where none was refused. */
export function Refused({ deciding }: Pick<DecisionProps, 'deciding'>): JSX.Element | null {
  const { trans } = useHost();
  return deciding?.refusal ? (
    <p className="jcs-Approval-refusal" role="alert">
      {trans.__('The answer did not count: %1', wordsOf(deciding.refusal, trans))}
    </p>
  ) : null;
}
