/** The plugins: what they share, the sidebar, the notebook's panel. */

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Rest } from './client/rest';
import type { Host } from './components/host';
import { addCommands } from './lab/commands';
import { Desk } from './lab/desk';
import { ActiveNotebook } from './lab/notebook';
import { Sidebar } from './lab/sidebar';
import { MODULE, MODULE_VERSION } from './notebook/name';
import { OpenThreads, ThreadList } from './store/threads';
import { IChatSessions } from './tokens';

const sessions: JupyterFrontEndPlugin<IChatSessions> = {
  id: 'jupyter_chat_sessions:sessions',
  description: 'The threads that are open in this page, each once.',
  autoStart: true,
  provides: IChatSessions,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, translator: ITranslator | null) => {
    const rest = new Rest(app.serviceManager.serverSettings);
    const { languageCode } = translator ?? nullTranslator;
    const host: Host = {
      trans: (translator ?? nullTranslator).load('jupyter_chat_sessions'),
      rendermime,
      resolve: url => rest.resolve(url),
      locale: languageCode === 'en' ? undefined : languageCode.replace('_', '-')
    };
    return { host, rest, threads: new OpenThreads(rest) };
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter_chat_sessions:sidebar',
  description: 'The sidebar: threads and the chat of the active notebook.',
  autoStart: true,
  requires: [IChatSessions],
  optional: [INotebookTracker, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    { host, rest, threads }: IChatSessions,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
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
    const widget = new Sidebar({ host, rest, list, desk });
    app.shell.add(widget, 'left', { rank: 350 });
    restorer?.add(widget, widget.id);
    addCommands(app, desk, widget.id, host.trans, palette);
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter_chat_sessions:panel',
  description: 'The chat in a notebook’s output, where ipywidgets is installed.',
  autoStart: true,
  requires: [IChatSessions],
  optional: [IJupyterWidgetRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    { host, rest, threads }: IChatSessions,
    registry: IJupyterWidgetRegistry | null,
    tracker: INotebookTracker | null
  ) => {
    const { contents } = app.serviceManager;
    registry?.registerWidget({
      name: MODULE,
      version: MODULE_VERSION,
      exports: async () => {
        const { panelExports } = await import('./notebook/widget');
        return panelExports({ host, rest, threads, tracker, contents });
      }
    });
  }
};

export default [sessions, sidebar, panel];
