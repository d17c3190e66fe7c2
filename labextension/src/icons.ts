/** Icons of this extension. */

import { LabIcon } from '@jupyterlab/ui-components';

const svg = (inner: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">${inner}</svg>`;

export const chatIcon = new LabIcon({
  name: 'jupyter-chat-sessions:chat',
  svgstr: svg(
    '<path class="jp-icon3 jp-icon-selectable" fill="#616161" d="M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-8.6L7 21.6a.6.6 0 0 1-1-.5V18H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zm0 2v11h4v2.6L10.6 16H20V5H4zm3 3h10v1.6H7V8zm0 3.4h7V13H7v-1.6z"/>'
  )
});

export const compareIcon = new LabIcon({
  name: 'jupyter-chat-sessions:compare',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M4 4h7v16H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zm0 2v12h5V6H4zm9-2h7a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-7V4zm2 2v12h5V6h-5z"/>'
  )
});

export const attachIcon = new LabIcon({
  name: 'jupyter-chat-sessions:attach',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M16.5 6v10.5a4.5 4.5 0 0 1-9 0V5.8a3 3 0 0 1 6 0V15a1.5 1.5 0 0 1-3 0V6.8H9V15a3 3 0 0 0 6 0V5.8a4.5 4.5 0 0 0-9 0v10.7a6 6 0 0 0 12 0V6z"/>'
  )
});

export const sendIcon = new LabIcon({
  name: 'jupyter-chat-sessions:send',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M12 4l7 7-1.5 1.5-4.4-4.4V20h-2.2V8.1l-4.4 4.4L5 11z"/>'
  )
});

export const shieldIcon = new LabIcon({
  name: 'jupyter-chat-sessions:shield',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M12 2l8 3v6c0 5-3.4 9.4-8 11-4.6-1.6-8-6-8-11V5l8-3zm0 2.1L6 6.4V11c0 3.9 2.5 7.4 6 8.9 3.5-1.5 6-5 6-8.9V6.4l-6-2.3z"/>'
  )
});

export const sentIcon = new LabIcon({
  name: 'jupyter-chat-sessions:sent',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M5 3h14v18H5V3zm2 2v14h10V5H7zm2 3h6v1.6H9V8zm0 3.2h6v1.6H9v-1.6zm0 3.2h4V16H9v-1.6z"/>'
  )
});
