/** What a person can send along from the page a chat is shown in. */

import type { Command, Place } from '../client/rest';
import { shownPath } from '../store/along';
import type { Attaching } from '../store/attachments';
import type { Shown } from '../store/thread';
import type { Host } from './host';
import type { Suggestion } from './trigger';

/** Milliseconds that a list of files, or of variables, is waited for: a kernel that is busy takes two seconds to say so. */
const PATIENCE = 2500;

export interface AlongActions {
  readonly upload: (files: readonly File[]) => void;
  /** Takes files by their path below the server's root. */
  readonly takePaths: (paths: readonly string[]) => void;
  readonly takeCells: (cells: readonly unknown[]) => void;
  /** Takes something `mentions` gave, by its key. */
  readonly choose: (key: string) => void;
  readonly remove: (id: string) => void;
  readonly retry: (id: string) => void;
  readonly commands: () => Promise<readonly Suggestion[]>;
  /** What can go along: at once what the page knows, then with the files beside the notebook. */
  readonly mentions: (show: (found: readonly Suggestion[]) => void) => Promise<void>;
}

/** A thread, or several that are asked the same. */
export interface Receiving {
  readonly place: Place;
  readonly attachments: Attaching;
  readonly snapshot: () => Pick<Shown, 'view' | 'files'>;
  commands(): Promise<readonly Command[]>;
}

/** What can go along with its messages. */
export function alongActionsOf(thread: Receiving, { trans, notebook }: Host): AlongActions {
  const { attachments } = thread;
  const choices = new Map<string, () => void>();

  /** The folder beside which the thread lives, as a path below the server's root. */
  const folder = (): string => {
    const { notebook: path, folder: named } = thread.place;
    return (
      thread.snapshot().view.thread?.folder ?? (path ? path.split('/').slice(0, -1).join('/') : (named ?? ''))
    );
  };

  const takePath = async (given: string): Promise<void> => {
    const path = notebook?.localPath(given) ?? given;
    const name = path.split('/').pop() ?? path;
    const beside = folder();
    const isBelow = beside === '' || path.startsWith(`${beside}/`);
    if (isBelow) {
      attachments.copyIn(beside === '' ? path : path.slice(beside.length + 1));
      return;
    }
    try {
      const file = await notebook?.read(path);
      if (file) {
        attachments.upload(file);
      }
    } catch {
      attachments.refuse(name, trans.__('%1 cannot be read; only files can be attached, no folders.', name));
    }
  };

  return {
    upload: files => files.forEach(file => attachments.upload(file)),
    takePaths: paths => paths.forEach(path => void takePath(path)),
    takeCells: cells =>
      cells.forEach(cell => {
        const item = notebook?.cell(cell);
        if (item) {
          const line = (item.source ?? '').trim().split('\n')[0].slice(0, 40);
          attachments.add(line ? trans.__('Cell: %1', line) : trans.__('Cell'), item);
        }
      }),
    choose: key => choices.get(key)?.(),
    remove: id => attachments.remove(id),
    retry: id => attachments.retry(id),
    commands: async () => {
      const commands = await thread.commands();
      // Who answers is not known before the server has said it; then all are offered.
      const isModels = (thread.snapshot().view.agent?.kind ?? 'none') !== 'none';
      return commands
        .filter(command => command.heard_by === 'all' || !isModels)
        .map(({ name, usage, help }) => ({
          key: name,
          label: `/${name}`,
          detail: usage === `/${name}` ? help : `${usage.slice(name.length + 2)} · ${help}`
        }));
    },
    mentions: async show => {
      choices.clear();
      const found: Suggestion[] = [];
      const offer = (key: string, label: string, detail: string, choose: () => void): void => {
        choices.set(key, choose);
        found.push({ key, label, detail });
      };
      for (const { key, label, detail, item } of notebook?.mentions() ?? []) {
        offer(key, label, detail, () => attachments.add(label, item));
      }
      for (const { path } of thread.snapshot().files) {
        offer(`files:${path}`, shownPath(path), trans.__('in this chat'), () =>
          attachments.add(shownPath(path), { type: 'file', path })
        );
      }
      show([...found]);
      // What lies beside the notebook, and in its kernel, is not to be had everywhere: the rest is offered all the same.
      await Promise.all([
        inTime(notebook?.variables()).then(variables => {
          variables.forEach(({ name, detail, item }) =>
            offer(`variable:${name}`, name, detail, () => attachments.add(name, item))
          );
          show([...found]);
        }),
        inTime(notebook?.filesIn(folder())).then(files => {
          files.forEach(path =>
            offer(`beside:${path}`, path, trans.__('beside the notebook'), () => attachments.copyIn(path))
          );
          show([...found]);
        })
      ]);
    }
  };
}

/** What was asked for; nothing where it fails, or does not come for a while. */
function inTime<T>(asked: Promise<readonly T[]> | undefined): Promise<readonly T[]> {
  const late = new Promise<readonly T[]>(resolve => setTimeout(resolve, PATIENCE, []));
  return Promise.race([asked?.catch(() => []) ?? [], late]);
}
