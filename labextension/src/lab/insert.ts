/** Puts code from a chat into the notebook someone works in. */

import { Notification } from '@jupyterlab/apputils';
import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Inserts a code cell below the active one and shows it; says so where no notebook is open. Undo takes it back. */
export function insertBelow(tracker: INotebookTracker, code: string, trans: TranslationBundle): void {
  const notebook = tracker.currentWidget?.content;
  if (!notebook?.model) {
    Notification.info(trans.__('Open a notebook to insert code into it.'), { autoClose: 4000 });
    return;
  }
  NotebookActions.insertBelow(notebook);
  const cell = notebook.activeCell;
  cell?.model.sharedModel.setSource(code);
  if (cell) {
    void notebook.scrollToItem(notebook.activeCellIndex);
  }
}
