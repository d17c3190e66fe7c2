/** JupyterLab's Running panel: chats with an answer under way, and those whose Python is alive. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IRunningSessionManagers, IRunningSessions } from '@jupyterlab/running';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { pythonIcon } from '@jupyterlab/ui-components';

import { reasonOf } from '../client/refusal';
import { placeOf } from '../client/rest';
import type { Rest, ThreadRow } from '../client/rest';
import type { Named } from '../components/host';
import { chatIcon } from '../icons';
import type { ThreadList } from '../store/threads';

export interface RunningParts {
  readonly managers: IRunningSessionManagers;
  readonly rest: Rest;
  readonly list: ThreadList;
  readonly trans: TranslationBundle;
  readonly onOpen: (thread: Named) => void;
}

/** The Running panel; `null` where the page has none. Voila lacks even the module, and must show a notebook's panels. */
export async function runningPanel(app: JupyterFrontEnd): Promise<IRunningSessionManagers | null> {
  try {
    const running = await import('@jupyterlab/running');
    return await app.resolveOptionalService(running.IRunningSessionManagers);
  } catch {
    return null;
  }
}

/** Adds two sections: to shut an answer down is Stop, to shut Python down loses its variables and no file. */
export function addRunning({ managers, rest, list, trans, onOpen }: RunningParts): void {
  const rows = (): readonly ThreadRow[] => [...list.value.here, ...list.value.elsewhere];
  const failed = (error: unknown): void => {
    Notification.error(reasonOf(error));
  };
  const section = (
    name: string,
    isIn: (row: ThreadRow) => boolean,
    icon: typeof chatIcon,
    shutDown: (row: ThreadRow) => Promise<void>,
    labels: Pick<
      IRunningSessions.IManager,
      'shutdownLabel' | 'shutdownAllLabel' | 'shutdownAllConfirmationText'
    >
  ): void => {
    const end = (chosen: readonly ThreadRow[]): void => {
      Promise.all(chosen.map(shutDown))
        .catch(failed)
        .then(() => list.refresh())
        .catch(failed);
    };
    managers.add({
      name,
      running: () =>
        rows()
          .filter(isIn)
          .map(row => ({
            label: () => row.title || trans.__('Untitled chat'),
            labelTitle: () => [row.title, row.notebook ?? row.folder].filter(Boolean).join('\n'),
            icon: () => icon,
            open: () => onOpen({ id: row.thread_id, place: placeOf(row) }),
            shutdown: () => end([row])
          })),
      shutdownAll: () => end(rows().filter(isIn)),
      refreshRunning: () => void list.refresh(),
      runningChanged: list.changed,
      ...labels
    });
  };
  section(
    trans.__('Chats'),
    row => row.running,
    chatIcon,
    row => rest.cancel(row.thread_id, placeOf(row)),
    {
      shutdownLabel: trans.__('Stop'),
      shutdownAllLabel: trans.__('Stop All'),
      shutdownAllConfirmationText: trans.__('Stop every answer that is being made, and what waits behind it?')
    }
  );
  section(
    trans.__('Python of Chats'),
    row => row.kernel ?? false,
    pythonIcon,
    row => rest.restartKernel(row.thread_id, placeOf(row)),
    {
      shutdownLabel: trans.__('Shut Down Python'),
      shutdownAllLabel: trans.__('Shut Down All'),
      shutdownAllConfirmationText: trans.__(
        'Shut down the Python of every chat? Variables are lost, files remain.'
      )
    }
  );
}
