/** The menu of what else can be done with a thread. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import type { Named } from '../components/host';
import { FORMATS } from './commands';
import { COMMANDS } from './names';

/** Opens a thread's menu below a button. It goes when it is closed. */
export function openMenu(
  commands: CommandRegistry,
  trans: TranslationBundle,
  { id, place }: Named,
  below: DOMRect
): void {
  const args = { threadId: id, notebook: place.notebook ?? null, folder: place.folder ?? null };
  const menu = new Menu({ commands });
  menu.title.label = trans.__('Chat');
  FORMATS.forEach(format => menu.addItem({ command: COMMANDS.export, args: { ...args, format } }));
  menu.addItem({ type: 'separator' });
  menu.addItem({ command: COMMANDS.restartPython, args });
  menu.addItem({ command: COMMANDS.openMain, args });
  menu.addItem({ command: COMMANDS.deleted });
  // Its last command runs after it has closed, so it may go only then.
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(below.left, below.bottom, { horizontalAlignment: 'right' });
}
