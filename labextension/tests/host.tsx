/** A page for components to be shown in, without a JupyterLab around it. */

import './shims';

import { RenderMimeRegistry, standardRendererFactories } from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import type { ReactNode } from 'react';
import { vi } from 'vitest';

import { Chat } from '../src/components/Chat';
import type { ChatActions } from '../src/components/Chat';
import { DEFAULTS, HostProvider } from '../src/components/host';
import type { Host } from '../src/components/host';
import type { Shown } from '../src/store/thread';
import type { View } from '../src/store/view';
import { createMarkdownParser } from './markdown';

/** How often Markdown has been rendered. */
export const renders = { count: 0 };

/** JupyterLab's renderers, which tell of each Markdown they render. */
export const rendering = (onRender: (source: string) => void): RenderMimeRegistry =>
  new RenderMimeRegistry({
    initialFactories: standardRendererFactories,
    markdownParser: createMarkdownParser(onRender)
  });

export const host: Host = {
  trans: nullTranslator.load('jupyter_chat_sessions'),
  rendermime: rendering(() => (renders.count += 1)),
  resolve: url => `http://host${url}`,
  locale: 'en',
  preferences: { value: DEFAULTS, changed: { connect: () => true, disconnect: () => true } },
  copy: vi.fn(),
  refreshFolder: vi.fn(),
  openFile: vi.fn(),
  notebook: null,
  insertBelow: vi.fn(),
  insertAbove: vi.fn(),
  replace: vi.fn(),
  openMenu: vi.fn()
};

export const shownIn = (node: ReactNode, within: Host = host): JSX.Element => (
  <HostProvider value={within}>{node}</HostProvider>
);

/** Actions that are only counted. */
export const actions = new Proxy({} as ChatActions, {
  get: (target, name: keyof ChatActions) => ((target as unknown as Record<string, unknown>)[name] ??= vi.fn())
});

/** A chat that shows `view`. */
export const show = (view: View, change: Partial<Shown> = {}, within: Host = host): JSX.Element =>
  shownIn(
    <Chat
      shown={{ view, connection: 'live', tries: 0, draft: '', isLoadingOlder: false, files: [], ...change }}
      actions={actions}
    />,
    within
  );
