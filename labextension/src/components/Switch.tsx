/** Previous and next among answers, or wordings of a question, that stand beside each other. */

import { caretLeftIcon, caretRightIcon } from '@jupyterlab/ui-components';

import { useHost } from './host';
import { IconButton } from './IconButton';

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
      <IconButton
        icon={caretLeftIcon}
        label={trans.__('%1: previous', label)}
        title={trans.__('Previous')}
        disabled={at === 0}
        onClick={() => onLook(ids[at - 1])}
      />
      <span aria-live="polite">{place}</span>
      <IconButton
        icon={caretRightIcon}
        label={trans.__('%1: next', label)}
        title={trans.__('Next')}
        disabled={at === ids.length - 1}
        onClick={() => onLook(ids[at + 1])}
      />
    </span>
  );
}
