/** The plugins: what they share, the sidebar and the main area, the notebook's panel. */

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Rest } from './client/rest';
import type { Place } from './client/rest';
import type { Host } from './components/host';
import { addCommands, COMMANDS } from './lab/commands';
import { Desk } from './lab/desk';
import { threadTab } from './lab/document';
import type { ThreadTab } from './lab/document';
import { insertBelow } from './lab/insert';
import { ActiveNotebook } from './lab/notebook';
import { OpenNotebooks } from './lab/openNotebooks';
import { SetPreferences } from './lab/preferences';
import { shareThread } from './lab/share';
import { Sidebar } from './lab/sidebar';
import { addPanelRenderer } from './notebook/mime';
import { MODULE, MODULE_VERSION } from './notebook/name';
import type { Thread } from './store/thread';
import type { NotebookQuestion } from './protocol';
import { OpenThreads, ThreadList } from './store/threads';
import { IChatSessions } from './tokens';

const SESSIONS = 'jupyter_chat_sessions:sessions';

const sessions: JupyterFrontEndPlugin<IChatSessions> = {
  id: SESSIONS,
  description: 'The threads that are open in this page, each once.',
  autoStart: true,
  provides: IChatSessions,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator, ISettingRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    settings: ISettingRegistry | null,
    tracker: INotebookTracker | null
  ) => {
    const rest = new Rest(app.serviceManager.serverSettings);
    const { languageCode } = translator ?? nullTranslator;
    const trans = (translator ?? nullTranslator).load('jupyter_chat_sessions');
    const preferences = new SetPreferences();
    if (settings) {
      void preferences.follow(settings, SESSIONS);
    }
    const host: Host = {
      trans,
      rendermime,
      resolve: url => rest.resolve(url),
      locale: languageCode === 'en' ? undefined : languageCode.replace('_', '-'),
      preferences,
      copy: text => Clipboard.copyToSystem(text),
      refreshFolder: () => {
        if (app.commands.hasCommand('filebrowser:refresh')) {
          void app.commands.execute('filebrowser:refresh');
        }
      },
      insertBelow: tracker && (code => insertBelow(tracker, code, trans))
    };
    const notebooks = tracker && new OpenNotebooks(tracker, app.serviceManager.contents);
    const page = notebooks && {
      answer: (question: NotebookQuestion) => notebooks.answer(question),
      permissions: () => preferences.value.permissions
    };
    return { host, rest, threads: new OpenThreads(rest, undefined, page) };
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter_chat_sessions:sidebar',
  description: 'The sidebar with threads and the chat of the active notebook, and threads in the main area.',
  autoStart: true,
  requires: [IChatSessions],
  optional: [INotebookTracker, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    shared: IChatSessions,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { host, rest, threads } = shared;
    const { contents, events } = app.serviceManager;
    const list = new ThreadList(rest);
    const notebook = new ActiveNotebook(tracker, contents);
    const desk = new Desk(threads, list, notebook.path);
    notebook.changed.connect((_, change) => desk.follow(change));
    events.stream.connect((_, { schema_id: schema }) => {
      if (/chat[_-]sessions/.test(schema)) {
        void list.refresh();
      }
    });
    const onOpenMain = (): void => void app.commands.execute(COMMANDS.openMain);
    const onShare = (): void => void app.commands.execute(COMMANDS.share);
    const widget = new Sidebar({ host, rest, list, desk, onOpenMain, onShare });
    app.shell.add(widget, 'left', { rank: 350 });
    restorer?.add(widget, widget.id);
    const openMain = mainArea(app, shared, desk, restorer);
    const share = (thread: Thread): void => void shareThread({ host, rest, thread });
    addCommands(app, desk, widget.id, openMain, share, host.trans, palette);
  }
};

/** Gives what opens a thread in the main area; its tabs come back with the layout. */
function mainArea(
  app: JupyterFrontEnd,
  sessions: IChatSessions,
  desk: Desk,
  restorer: ILayoutRestorer | null
): Parameters<typeof addCommands>[3] {
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
  return ({ threadId, notebook, folder }) => {
    const shown = desk.value.thread;
    const id = threadId ?? shown.id;
    places.set(id, threadId === undefined ? shown.place : { notebook, folder });
    let tab = tabs.find(each => each.content.thread.id === id);
    if (!tab) {
      tab = threadTab(sessions, id, places.get(id) ?? {});
      app.shell.add(tab, 'main');
      void tabs.add(tab);
    }
    app.shell.activateById(tab.id);
  };
}

const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter_chat_sessions:panel',
  description:
    'The chat in a notebook’s output: by its mime type, and as a widget where ipywidgets is installed.',
  autoStart: true,
  requires: [IChatSessions],
  optional: [IJupyterWidgetRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    { host, rest, threads }: IChatSessions,
    registry: IJupyterWidgetRegistry | null,
    tracker: INotebookTracker | null
  ) => {
    const parts = { host, rest, threads, tracker, contents: app.serviceManager.contents };
    addPanelRenderer(parts);
    registry?.registerWidget({
      name: MODULE,
      version: MODULE_VERSION,
      exports: async () => {
        const { panelExports } = await import('./notebook/widget');
        return panelExports(parts);
      }
    });
  }
};

export default [sessions, sidebar, panel];
