/** What can be done from the palette, menus and shortcuts. */

import type { IRouter, JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { addIcon, downloadIcon, refreshIcon, shareIcon, stopIcon, undoIcon } from '@jupyterlab/ui-components';

import { reasonOf } from '../client/refusal';
import type { ExportFormat } from '../client/rest';
import type { Named } from '../components/host';
import { chatIcon, compareIcon } from '../icons';
import type { KeptPane } from '../store/compare';
import type { Thread } from '../store/thread';
import { isStoppable } from '../store/turns';
import type { IChatSessions } from '../tokens';
import type { Desk } from './desk';
import { COMMANDS } from './names';

/** Which thread is meant, and where it lives; the one that is shown where none is named. */
export interface ThreadGiven {
  readonly threadId?: string;
  readonly notebook?: string | null;
  readonly folder?: string | null;
}

export interface ExportGiven extends ThreadGiven {
  readonly format?: ExportFormat;
}

/** What to compare and where; fresh threads where none are given. */
export interface CompareGiven extends ThreadGiven {
  readonly panes?: readonly KeptPane[];
}

export interface CommandParts {
  readonly app: JupyterFrontEnd;
  readonly sessions: IChatSessions;
  readonly desk: Desk;
  readonly sidebarId: string;
  readonly palette: ICommandPalette | null;
  readonly openMain: (thread: Named) => void;
  readonly compare: (given: CompareGiven) => void;
  readonly share: (thread: Thread) => void;
  readonly showDeleted: () => void;
  readonly follow: (link: IRouter.ILocation) => void;
}

const THREAD = {
  threadId: { type: 'string' },
  notebook: { type: ['string', 'null'] },
  folder: { type: ['string', 'null'] }
} as const;

export function addCommands(parts: CommandParts): void {
  const { app, sessions, desk, sidebarId, palette } = parts;
  const { commands, shell } = app;
  const { rest } = sessions;
  const { trans } = sessions.host;
  const category = trans.__('Chat');
  const describe = (properties: object = {}): object => ({ args: { type: 'object', properties } });

  commands.addCommand(COMMANDS.show, {
    label: trans.__('Show Chat'),
    caption: trans.__('Show the chat of this notebook'),
    icon: chatIcon,
    describedBy: describe() as never,
    execute: () => {
      shell.activateById(sidebarId);
      desk.focusComposer();
    }
  });
  commands.addCommand(COMMANDS.newChat, {
    label: trans.__('New Chat'),
    caption: trans.__('Begin a new chat'),
    icon: addIcon,
    describedBy: describe() as never,
    execute: () => {
      shell.activateById(sidebarId);
      desk.newChat();
    }
  });
  commands.addCommand(COMMANDS.stop, {
    label: trans.__('Stop the Answer'),
    caption: trans.__('Stop what runs and what waits in the chat that is shown'),
    icon: stopIcon,
    describedBy: describe() as never,
    isEnabled: () => isStoppable(desk.value.thread.snapshot().view),
    execute: () => desk.value.thread.cancel()
  });
  commands.addCommand(COMMANDS.openMain, {
    label: trans.__('Open Chat in the Main Area'),
    caption: trans.__('Open the chat that is shown, or the one named, as a tab'),
    icon: chatIcon,
    describedBy: describe(THREAD) as never,
    execute: args => parts.openMain(meant(args as ThreadGiven, desk))
  });
  commands.addCommand(COMMANDS.share, {
    label: trans.__('Share Chat…'),
    caption: trans.__('Make a link to the chat that is shown, or take one back'),
    icon: shareIcon,
    describedBy: describe() as never,
    execute: () => parts.share(desk.value.thread)
  });
  commands.addCommand(COMMANDS.compare, {
    label: trans.__('Compare Models'),
    caption: trans.__('Ask several models the same, each in a chat of its own'),
    icon: compareIcon,
    describedBy: describe({ panes: { type: 'array' }, ...THREAD }) as never,
    execute: args => parts.compare(args as unknown as CompareGiven)
  });
  commands.addCommand(COMMANDS.export, {
    label: args =>
      ({
        ipynb: trans.__('Export Chat as Notebook'),
        json: trans.__('Export Chat as JSON'),
        md: trans.__('Export Chat as Markdown')
      })[(args as ExportGiven).format ?? 'md'],
    icon: downloadIcon,
    describedBy: describe({ format: { enum: ['md', 'ipynb', 'json'] }, ...THREAD }) as never,
    execute: args => {
      const { format = 'md', ...given } = args as ExportGiven;
      const { id, place } = meant(given, desk);
      return download(rest.exportUrl(id, format, place));
    }
  });
  commands.addCommand(COMMANDS.restartPython, {
    label: trans.__('Restart Python of This Chat'),
    caption: trans.__('Variables are forgotten, files remain'),
    icon: refreshIcon,
    describedBy: describe(THREAD) as never,
    execute: async args => {
      const { id, place } = meant(args as ThreadGiven, desk);
      try {
        await rest.restartKernel(id, place);
        Notification.success(trans.__('Python was ended; the next call starts it anew.'), {
          autoClose: 4000
        });
      } catch (error) {
        Notification.error(reasonOf(error));
      }
    }
  });
  commands.addCommand(COMMANDS.deleted, {
    label: trans.__('Deleted Chats…'),
    caption: trans.__('Take back a chat that was deleted in the last 7 days'),
    icon: undoIcon,
    describedBy: describe() as never,
    execute: () => parts.showDeleted()
  });
  commands.addCommand(COMMANDS.follow, {
    label: trans.__('Open a Link to a Chat'),
    describedBy: describe({ path: { type: 'string' }, search: { type: 'string' } }) as never,
    execute: args => parts.follow(args as IRouter.ILocation)
  });

  for (const command of Object.values(COMMANDS)) {
    if (command === COMMANDS.export) {
      FORMATS.forEach(format => palette?.addItem({ command, category, args: { format } }));
    } else if (!ADDED_ELSEWHERE.includes(command)) {
      palette?.addItem({ command, category });
    }
  }
}

/** What has an entry of its own, or none. */
const ADDED_ELSEWHERE: readonly string[] = [COMMANDS.follow, COMMANDS.import, COMMANDS.importFile];

export const FORMATS: readonly ExportFormat[] = ['md', 'ipynb', 'json'];

/** The thread that is named, else the one that is shown. */
function meant({ threadId, notebook, folder }: ThreadGiven, desk: Desk): Named {
  const { thread } = desk.value;
  return threadId === undefined
    ? { id: thread.id, place: thread.place }
    : { id: threadId, place: { notebook, folder } };
}

/** Lets the browser save what an address gives. */
function download(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  document.body.append(link);
  link.click();
  link.remove();
}
