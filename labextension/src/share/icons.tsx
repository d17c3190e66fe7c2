/**
 * Icons where there is no JupyterLab. The bundle of a shared thread's page has this in the place of JupyterLab's
 * components: the same drawings, with no more around them than an element.
 */

import { createElement } from 'react';

export interface IconProps {
  readonly tag?: string;
  readonly className?: string;
}

export class LabIcon {
  readonly name: string;
  readonly react: (props: IconProps) => JSX.Element;

  constructor({ name, svgstr }: { readonly name: string; readonly svgstr: string }) {
    this.name = name;
    // The drawings are part of this bundle; nothing from a thread comes here.
    const drawn = { __html: svgstr };
    this.react = ({ tag = 'div', className }) =>
      createElement(tag, { className, 'aria-hidden': true, dangerouslySetInnerHTML: drawn });
  }
}
