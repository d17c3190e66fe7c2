/** What can be done from the palette, menus and shortcuts. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, stopIcon } from '@jupyterlab/ui-components';

import { chatIcon } from '../icons';
import type { Desk } from './desk';

export const COMMANDS = {
  show: 'jupyter_chat_sessions:show',
  newChat: 'jupyter_chat_sessions:new-chat',
  stop: 'jupyter_chat_sessions:stop'
} as const;

export function addCommands(
  app: JupyterFrontEnd,
  desk: Desk,
  sidebarId: string,
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
  for (const command of Object.values(COMMANDS)) {
    palette?.addItem({ command, category: trans.__('Chat') });
  }
}
