/** Chats that other programs have saved become threads: from a file of the file browser, or one of this computer. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileUploadIcon } from '@jupyterlab/ui-components';

import { reasonOf } from '../client/refusal';
import type { Place, Rest } from '../client/rest';
import type { Named } from '../components/host';
import { chatIcon } from '../icons';
import type { ThreadList } from '../store/threads';
import { COMMANDS, isChatFile } from './names';

export interface ImportParts {
  readonly app: JupyterFrontEnd;
  readonly rest: Rest;
  readonly list: ThreadList;
  readonly trans: TranslationBundle;
  readonly palette: ICommandPalette | null;
  readonly onOpen: (thread: Named) => void;
}

/** The page's file browsers; `null` where it has none. Voila lacks even the module. */
export async function fileBrowsers(app: JupyterFrontEnd): Promise<IFileBrowserFactory | null> {
  try {
    const browsers = await import('@jupyterlab/filebrowser');
    return await app.resolveOptionalService(browsers.IFileBrowserFactory);
  } catch {
    return null;
  }
}

/** Adds the commands. `browsers`: where files are right-clicked. */
export function addImporting(parts: ImportParts, browsers: IFileBrowserFactory | null): void {
  const { app, palette, trans } = parts;
  const { commands, serviceManager } = app;
  const { contents } = serviceManager;
  const selected = (): readonly string[] => {
    const items = Array.from(browsers?.tracker.currentWidget?.selectedItems() ?? []);
    return items.filter(item => item.type !== 'directory' && isChatFile(item.name)).map(item => item.path);
  };

  commands.addCommand(COMMANDS.import, {
    label: trans.__('Import Chat…'),
    caption: trans.__('Make a chat of one that another program has saved'),
    icon: fileUploadIcon,
    describedBy: { args: { type: 'object', properties: {} } } as never,
    execute: async () => {
      for (const file of await picked()) {
        await bringIn(parts, file.name, file, {});
      }
    }
  });
  commands.addCommand(COMMANDS.importFile, {
    label: trans.__('Import as Chat'),
    caption: trans.__('Make a chat of this file'),
    icon: chatIcon,
    describedBy: { args: { type: 'object', properties: { path: { type: 'string' } } } } as never,
    isVisible: () => selected().length > 0,
    execute: async ({ path }) => {
      for (const each of typeof path === 'string' ? [path] : selected()) {
        const folder = PathExt.dirname(contents.localPath(each));
        const text = (): Promise<string> =>
          contents
            .get(each, { type: 'file', format: 'text', content: true })
            .then(file => String(file.content));
        await bringIn(parts, PathExt.basename(each), text, { folder });
      }
    }
  });
  palette?.addItem({ command: COMMANDS.import, category: trans.__('Chat') });
  app.contextMenu.addItem({
    command: COMMANDS.importFile,
    selector: '.jp-DirListing-item[data-isdir="false"]',
    rank: 4
  });
}

/** Makes a thread of a file and opens it; says why where that cannot be done. */
async function bringIn(
  { rest, list, onOpen }: ImportParts,
  name: string,
  file: Blob | (() => Promise<string>),
  place: Place
): Promise<void> {
  try {
    const thread = await rest.importChat(name, file instanceof Blob ? file : await file(), place);
    onOpen({ id: thread.thread_id, place });
    await list.refresh();
  } catch (error) {
    Notification.error(reasonOf(error));
  }
}

/** The files that a person picks; none where they think better of it. */
function picked(): Promise<readonly File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.accept = '.chat,.jsonl,.json';
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve(Array.from(input.files ?? [])));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
