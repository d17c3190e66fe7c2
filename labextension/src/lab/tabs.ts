/** Chats and comparisons in the main area. They come back with the layout, each with its own ids. */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';

import type { Place } from '../client/rest';
import type { Named } from '../components/host';
import { freshPanes } from '../store/compare';
import type { IChatSessions } from '../tokens';
import type { CompareGiven } from './commands';
import { compareTab } from './compare';
import type { CompareTab } from './compare';
import { threadTab } from './document';
import type { ThreadTab } from './document';
import { COMMANDS } from './names';

/** Gives what opens a thread in the main area. */
export function chatTabs(
  app: JupyterFrontEnd,
  sessions: IChatSessions,
  restorer: ILayoutRestorer | null
): (thread: Named, ref?: string) => void {
  const tabs = new WidgetTracker<ThreadTab>({ namespace: 'jupyter-chat-sessions' });
  const places = new Map<string, Place>();
  sessions.threads.forgotten.connect((_, threadId) => {
    tabs.filter(tab => tab.content.thread.id === threadId).forEach(tab => tab.dispose());
  });
  void restorer?.restore(tabs, {
    command: COMMANDS.openMain,
    args: tab => ({ threadId: tab.content.thread.id, ...places.get(tab.content.thread.id) }),
    name: tab => tab.content.thread.id
  });
  return ({ id, place }, ref) => {
    places.set(id, place);
    let tab = tabs.find(each => each.content.thread.id === id);
    if (!tab) {
      tab = threadTab(sessions, id, place);
      app.shell.add(tab, 'main', ref === undefined ? {} : { ref, mode: 'tab-after' });
      void tabs.add(tab);
    }
    app.shell.activateById(tab.id);
  };
}

/** Gives what opens a comparison in the main area; where no panes are given, two fresh ones. */
export function compareTabs(
  app: JupyterFrontEnd,
  sessions: IChatSessions,
  restorer: ILayoutRestorer | null,
  openMain: (thread: Named, ref?: string) => void,
  notebook: () => string | null
): (given: CompareGiven) => void {
  const tabs = new WidgetTracker<CompareTab>({ namespace: 'jupyter-chat-sessions-compare' });
  void restorer?.restore(tabs, {
    command: COMMANDS.compare,
    args: ({ content: { comparison } }) => ({
      panes: comparison.kept.map(pane => ({ ...pane })),
      notebook: comparison.place.notebook ?? null,
      folder: comparison.place.folder ?? null
    }),
    name: tab => tab.content.id
  });
  return given => {
    const kept = given.panes?.length ? given.panes : freshPanes(['', '']);
    const place =
      given.notebook === undefined && given.folder === undefined
        ? { notebook: notebook() }
        : { notebook: given.notebook, folder: given.folder };
    const ids = new Set(kept.map(pane => pane.threadId));
    let tab = tabs.find(each => each.content.comparison.kept.some(pane => ids.has(pane.threadId)));
    if (!tab) {
      const shown = compareTab(sessions, place, kept, (thread, document) => {
        openMain(thread, `${document.id}-tab`);
        document.parent?.dispose();
      });
      let { panes } = shown.content.comparison.value;
      shown.content.comparison.changed.connect((_, now) => {
        if (now.panes !== panes) {
          ({ panes } = now);
          void tabs.save(shown);
        }
      });
      app.shell.add(shown, 'main');
      void tabs.add(shown);
      tab = shown;
    }
    app.shell.activateById(tab.id);
  };
}
