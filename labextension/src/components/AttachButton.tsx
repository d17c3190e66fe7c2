/** A button by which files of this computer are picked. */

import { useRef } from 'react';

import { attachIcon } from '../icons';
import { useHost } from './host';
import { IconButton } from './IconButton';

export interface AttachButtonProps {
  readonly isDisabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

export function AttachButton({ isDisabled, onFiles }: AttachButtonProps): JSX.Element {
  const { trans } = useHost();
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton
        icon={attachIcon}
        className="jcs-Attach"
        label={trans.__('Attach files')}
        disabled={isDisabled}
        onClick={() => picker.current?.click()}
      />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        onChange={event => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}
