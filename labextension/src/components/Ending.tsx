/** How an answer ended, where it was not well, and how it may go on. */

import type { Turn } from '../store/turns';
import type { ChatActions } from './Chat';
import { useHost } from './host';
import { recordOf } from './pieces';

export interface EndingProps {
  readonly turn: Turn;
  /** Whether the card above says how it ended already. */
  readonly isTold: boolean;
  readonly isLast: boolean;
  readonly isReadOnly: boolean;
  readonly actions: ChatActions;
}

export function Ending({ turn, isTold, isLast, isReadOnly, actions }: EndingProps): JSX.Element | null {
  const { trans } = useHost();
  const { outcome, error, isDecided } = turn.run;
  const asked = turn.runs[0].message_id;
  const last = turn.answers.at(-1);
  const cut = last && recordOf(last.message)?.finish;
  if (outcome === null || (outcome === 'success' && !cut)) {
    return null;
  }
  if (outcome === 'cancelled' || (outcome === 'waiting' && isDecided)) {
    return <p className="jcs-Ending">{trans.__('Stopped')}</p>;
  }
  if (outcome === 'waiting') {
    return <p className="jcs-Ending">{trans.__('Waiting for a decision')}</p>;
  }
  const words =
    cut === 'content_filter'
      ? trans.__('The provider cut the answer off: its filter took exception to it.')
      : cut === 'length'
        ? trans.__('The answer is cut off: it reached the longest the model may write.')
        : outcome === 'interrupted'
          ? isTold
            ? trans.__('The server stopped while this was running.')
            : trans.__('The answer was interrupted: the server stopped while it was being made.')
          : (error?.message ?? trans.__('The answer failed.'));
  return (
    <div
      className={`jcs-Ending jcs-mod-${outcome}`}
      role="group"
      aria-label={trans.__('The answer is not whole')}
    >
      <p>{words}</p>
      {isLast && !isReadOnly && (
        <span className="jcs-Ending-actions">
          {asked !== null && (
            <button type="button" className="jcs-Button" onClick={() => actions.regenerate(asked)}>
              {trans.__('Retry')}
            </button>
          )}
          {(outcome === 'interrupted' || cut === 'length') && (
            <button
              type="button"
              className="jcs-Button"
              onClick={() => actions.send(trans.__('Please continue.'))}
            >
              {trans.__('Continue')}
            </button>
          )}
        </span>
      )}
    </div>
  );
}
