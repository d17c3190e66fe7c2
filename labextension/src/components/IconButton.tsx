/** A button that is an icon: what it does is told to who points at it, and to who hears the page. */

import type { LabIcon } from '@jupyterlab/ui-components';
import { forwardRef } from 'react';
import type { ComponentPropsWithoutRef } from 'react';

export interface IconButtonProps extends Omit<ComponentPropsWithoutRef<'button'>, 'type' | 'children'> {
  readonly icon: LabIcon;
  /** What it is called; shown over it, too, unless `title` is. */
  readonly label: string;
}

export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton(
  { icon: Icon, label, className = '', ...rest },
  ref
): JSX.Element {
  return (
    <button
      ref={ref}
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={`jcs-IconButton ${className}`.trim()}
    >
      <Icon.react tag="span" />
    </button>
  );
});
