/** What can be done from the palette, menus and shortcuts. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, launchIcon, shareIcon, stopIcon } from '@jupyterlab/ui-components';

import { chatIcon } from '../icons';
import type { Thread } from '../store/thread';
import type { Desk } from './desk';

export const COMMANDS = {
  show: 'jupyter_chat_sessions:show',
  newChat: 'jupyter_chat_sessions:new-chat',
  stop: 'jupyter_chat_sessions:stop',
  openMain: 'jupyter_chat_sessions:open-main',
  share: 'jupyter_chat_sessions:share'
} as const;

/** Which thread to open, and where it lives; the one that is shown where none is named. */
export interface OpenGiven {
  readonly threadId?: string;
  readonly notebook?: string | null;
  readonly folder?: string | null;
}

export function addCommands(
  app: JupyterFrontEnd,
  desk: Desk,
  sidebarId: string,
  openMain: (given: OpenGiven) => void,
  share: (thread: Thread) => void,
  trans: TranslationBundle,
  palette: ICommandPalette | null
): void {
  const { commands, shell } = app;
  const describedBy = { args: { type: 'object', properties: {} } };
  commands.addCommand(COMMANDS.show, {
    label: trans.__('Show Chat'),
    caption: trans.__('Show the chat of this notebook'),
    icon: chatIcon,
    describedBy,
    execute: () => {
      shell.activateById(sidebarId);
      desk.focusComposer();
    }
  });
  commands.addCommand(COMMANDS.newChat, {
    label: trans.__('New Chat'),
    caption: trans.__('Begin a new chat'),
    icon: addIcon,
    describedBy,
    execute: () => {
      shell.activateById(sidebarId);
      desk.newChat();
    }
  });
  commands.addCommand(COMMANDS.stop, {
    label: trans.__('Stop the Answer'),
    caption: trans.__('Stop what runs and what waits in the chat that is shown'),
    icon: stopIcon,
    describedBy,
    isEnabled: () => desk.value.thread.isBusy,
    execute: () => desk.value.thread.cancel()
  });
  commands.addCommand(COMMANDS.openMain, {
    label: trans.__('Open Chat in the Main Area'),
    caption: trans.__('Open the chat that is shown, or the one named, as a tab'),
    icon: launchIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          threadId: { type: 'string' },
          notebook: { type: ['string', 'null'] },
          folder: { type: ['string', 'null'] }
        }
      }
    },
    execute: args => openMain(args as OpenGiven)
  });
  commands.addCommand(COMMANDS.share, {
    label: trans.__('Share Chat…'),
    caption: trans.__('Make a link to the chat that is shown, or take one back'),
    icon: shareIcon,
    describedBy,
    execute: () => share(desk.value.thread)
  });
  for (const command of Object.values(COMMANDS)) {
    palette?.addItem({ command, category: trans.__('Chat') });
  }
}
