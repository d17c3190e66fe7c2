/** Previous and next among answers, or wordings of a question, that stand beside each other. */

import { caretLeftIcon, caretRightIcon } from '@jupyterlab/ui-components';

import { useHost } from './host';

export interface SwitchProps {
  /** What there are several of. */
  readonly label: string;
  /** The place of the one on screen among `ids`. */
  readonly at: number;
  /** Runs, each standing for one. */
  readonly ids: readonly string[];
  readonly onLook: (runId: string) => void;
}

/** Nothing where there is only one. */
export function Switch({ label, at, ids, onLook }: SwitchProps): JSX.Element | null {
  const { trans } = useHost();
  if (ids.length < 2 || at < 0) {
    return null;
  }
  const place = `${at + 1}/${ids.length}`;
  return (
    <span className="jcs-Switch" role="group" aria-label={`${label} ${place}`}>
      <button
        type="button"
        className="jcs-IconButton"
        title={trans.__('Previous')}
        aria-label={trans.__('%1: previous', label)}
        disabled={at === 0}
        onClick={() => onLook(ids[at - 1])}
      >
        <caretLeftIcon.react tag="span" />
      </button>
      <span aria-live="polite">{place}</span>
      <button
        type="button"
        className="jcs-IconButton"
        title={trans.__('Next')}
        aria-label={trans.__('%1: next', label)}
        disabled={at === ids.length - 1}
        onClick={() => onLook(ids[at + 1])}
      >
        <caretRightIcon.react tag="span" />
      </button>
    </span>
  );
}
