/** One piece of data as JupyterLab's renderer for its type shows it; never trusted. */

import { MimeModel } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { memo, useLayoutEffect, useRef } from 'react';

import { useHost } from '../components/host';

export interface RenderedProps {
  readonly mimeType: string;
  readonly value: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** One piece of data, rendered by JupyterLab's renderer for its type, never trusted. */
export const Rendered = memo(function Rendered({ mimeType, value, metadata }: RenderedProps): JSX.Element {
  const { rendermime } = useHost();
  const place = useRef<HTMLDivElement>(null);
  const show = useRef<(value: unknown) => void>(() => undefined);

  // Before the browser paints, and on the way out while the node still stands in the page.
  useLayoutEffect(() => {
    const renderer = rendermime.createRenderer(mimeType);
    let isGone = false;
    let isRendering = false;
    let next: { readonly value: unknown } | null = null;
    // A renderer renders one value at a time; of those that come meanwhile only the newest counts.
    const render = async (): Promise<void> => {
      isRendering = true;
      while (next && !isGone) {
        const data = { [mimeType]: next.value } as ConstructorParameters<typeof MimeModel>[0] & object;
        next = null;
        const began = performance.now();
        try {
          await renderer.renderModel(
            new MimeModel({ data: data as never, metadata: metadata as never, trusted: false })
          );
        } catch (error) {
          console.warn('Chat could not render', mimeType, error);
        }
        await after(pauseFor(performance.now() - began));
      }
      isRendering = false;
    };
    show.current = newest => {
      next = { value: newest };
      if (!isRendering) {
        void render();
      }
    };
    const host = place.current;
    if (host) {
      attach(renderer, host);
    }
    return () => {
      isGone = true;
      detach(renderer);
      renderer.dispose();
    };
  }, [rendermime, mimeType, metadata]);

  useLayoutEffect(() => show.current(value), [rendermime, mimeType, metadata, value]);

  return <div ref={place} className="jcs-Rendered" />;
});

/** Milliseconds before data is rendered again that took so long: most of the time is left to others. */
function pauseFor(took: number): number {
  return took < QUICK ? 0 : Math.min(took * SHARE, LONGEST);
}

/** Milliseconds within which data is rendered as often as it changes. */
const QUICK = 4;

/** Of so many parts of the time, one is spent on rendering what takes long. */
const SHARE = 12;

/** The longest pause in milliseconds. */
const LONGEST = 500;

function after(pause: number): Promise<void> | undefined {
  return pause > 0 ? new Promise(resolve => setTimeout(resolve, pause)) : undefined;
}

/** Puts a widget into a node that is no widget's; formulas are typeset only in widgets that are attached. */
function attach(widget: Widget, host: HTMLElement): void {
  MessageLoop.sendMessage(widget, Widget.Msg.BeforeAttach);
  host.appendChild(widget.node);
  MessageLoop.sendMessage(widget, Widget.Msg.AfterAttach);
}

/** Takes it out again, also where its host has left the page already. */
function detach(widget: Widget): void {
  MessageLoop.sendMessage(widget, Widget.Msg.BeforeDetach);
  widget.node.remove();
  MessageLoop.sendMessage(widget, Widget.Msg.AfterDetach);
}
