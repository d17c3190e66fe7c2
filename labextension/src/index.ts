/** The plugins: what they share, the sidebar and the main area, the notebook's panel. */

import { ILayoutRestorer, IRouter } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette } from '@jupyterlab/apputils';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Rest } from './client/rest';
import type { Host } from './components/host';
import { addCommands } from './lab/commands';
import { OpenNotebookContext } from './lab/context';
import { showDeleted } from './lab/deleted';
import { Desk } from './lab/desk';
import { NotebookCode } from './lab/insert';
import { addImporting, fileBrowsers } from './lab/importing';
import { keepInFront, LINK, linkedIn } from './lab/links';
import { openMenu } from './lab/menu';
import { COMMANDS } from './lab/names';
import { ActiveNotebook } from './lab/notebook';
import { OpenNotebooks } from './lab/openNotebooks';
import { SetPreferences } from './lab/preferences';
import { addRunning, runningPanel } from './lab/running';
import { shareThread } from './lab/share';
import { Sidebar } from './lab/sidebar';
import { chatTabs, compareTabs } from './lab/tabs';
import { addPanelRenderer } from './notebook/mime';
import { MODULE, MODULE_VERSION } from './notebook/name';
import type { Thread } from './store/thread';
import type { NotebookQuestion } from './protocol';
import { Drafts } from './store/drafts';
import { OpenThreads, ThreadList } from './store/threads';
import { IChatSessions } from './tokens';

/** The language dates are written in; `undefined` is the browser's. Voila's translator has none. */
function localeOf(translator: ITranslator | null): string | undefined {
  const code: string | undefined = translator?.languageCode;
  return code === undefined || code === 'en' ? undefined : code.replace('_', '-');
}

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
    const trans = (translator ?? nullTranslator).load('jupyter_chat_sessions');
    const preferences = new SetPreferences();
    if (settings) {
      void preferences.follow(settings, SESSIONS);
    }
    const code = tracker && new NotebookCode(tracker, trans);
    const host: Host = {
      trans,
      rendermime,
      resolve: url => rest.resolve(url),
      locale: localeOf(translator),
      preferences,
      copy: text => Clipboard.copyToSystem(text),
      refreshFolder: () => {
        if (app.commands.hasCommand('filebrowser:refresh')) {
          void app.commands.execute('filebrowser:refresh');
        }
      },
      openFile: path => {
        if (app.commands.hasCommand('docmanager:open')) {
          void app.commands.execute('docmanager:open', { path });
        }
      },
      notebook: tracker && new OpenNotebookContext(tracker, app.serviceManager.contents, rest, trans),
      insertBelow: code?.insertBelow ?? null,
      insertAbove: code?.insertAbove ?? null,
      replace: code?.replace ?? null,
      openMenu: (thread, below) => openMenu(app.commands, trans, thread, below)
    };
    const notebooks = tracker && new OpenNotebooks(tracker, app.serviceManager.contents);
    const page = notebooks && {
      answer: (question: NotebookQuestion) => notebooks.answer(question),
      permissions: () => preferences.value.permissions
    };
    return { host, rest, threads: new OpenThreads(rest, undefined, page, new Drafts(rest.settings.baseUrl)) };
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter_chat_sessions:sidebar',
  description: 'The sidebar with threads and the chat of the active notebook, and threads in the main area.',
  autoStart: true,
  requires: [IChatSessions],
  optional: [INotebookTracker, ICommandPalette, ILayoutRestorer, IRouter],
  activate: (
    app: JupyterFrontEnd,
    sessions: IChatSessions,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    router: IRouter | null
  ) => {
    const { host, rest, threads } = sessions;
    const { commands, serviceManager } = app;
    const list = new ThreadList(rest);
    const notebook = new ActiveNotebook(tracker, serviceManager.contents);
    const desk = new Desk(threads, list, notebook.path);
    notebook.changed.connect((_, change) => desk.follow(change));
    serviceManager.events.stream.connect((_, { schema_id: schema }) => {
      if (/chat[_-]sessions/.test(schema)) {
        void list.refresh();
      }
    });
    const widget = new Sidebar({
      host,
      rest,
      list,
      desk,
      onOpenMain: () => void commands.execute(COMMANDS.openMain),
      onCompare: () => void commands.execute(COMMANDS.compare),
      onShare: () => void commands.execute(COMMANDS.share)
    });
    app.shell.add(widget, 'left', { rank: 350 });
    restorer?.add(widget, widget.id);
    const openMain = chatTabs(app, sessions, restorer);
    const compare = compareTabs(app, sessions, restorer, openMain, () => notebook.path);
    const follow = (link: IRouter.ILocation): void => {
      const { chat, panes, rest: address } = linkedIn(link);
      router?.navigate(address, { skipRouting: true });
      void app.restored.then(() => {
        const show = (): void => {
          if (chat !== null) {
            openMain({ id: chat, place: {} });
          }
          if (panes !== null) {
            compare({ panes });
          }
        };
        show();
        keepInFront(app, show);
      });
    };
    const share = (thread: Thread): void => void shareThread({ host, rest, thread });
    addCommands({
      app,
      sessions,
      desk,
      sidebarId: widget.id,
      palette,
      openMain,
      compare,
      share,
      showDeleted: () => void showDeleted({ host, rest, list }),
      follow
    });
    router?.register({ command: COMMANDS.follow, pattern: LINK });
    const importing = { app, rest, list, trans: host.trans, palette, onOpen: openMain };
    void fileBrowsers(app).then(browsers => addImporting(importing, browsers));
    void runningPanel(app).then(managers => {
      if (managers) {
        addRunning({ managers, rest, list, trans: host.trans, onOpen: openMain });
      }
    });
  }
};

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
