/** A button that acts at its second click: the first one arms it, for three seconds. No dialog, which a frame may forbid. */

import type { LabIcon } from '@jupyterlab/ui-components';
import { useEffect, useState } from 'react';

export interface ConfirmButtonProps {
  readonly icon: LabIcon;
  readonly label: string;
  readonly confirmLabel: string;
  readonly onConfirm: () => void;
}

/** Milliseconds it stays armed. */
export const ARMED = 3000;

export function ConfirmButton({ icon, label, confirmLabel, onConfirm }: ConfirmButtonProps): JSX.Element {
  const [isArmed, arm] = useState(false);

  useEffect(() => {
    if (!isArmed) {
      return;
    }
    const timer = setTimeout(() => arm(false), ARMED);
    return () => clearTimeout(timer);
  }, [isArmed]);

  const name = isArmed ? confirmLabel : label;
  return (
    <button
      type="button"
      className={`jcs-IconButton jcs-Confirm${isArmed ? ' jcs-mod-armed' : ''}`}
      title={name}
      aria-label={name}
      onBlur={() => arm(false)}
      onKeyDown={event => {
        if (event.key === 'Escape' && isArmed) {
          event.stopPropagation();
          arm(false);
        }
      }}
      onClick={event => {
        event.stopPropagation();
        arm(!isArmed);
        if (isArmed) {
          onConfirm();
        }
      }}
    >
      <icon.react tag="span" />
      {isArmed && <span className="jcs-Confirm-text">{confirmLabel}</span>}
      <span className="jcs-unseen" aria-live="polite">
        {isArmed ? confirmLabel : ''}
      </span>
    </button>
  );
}
