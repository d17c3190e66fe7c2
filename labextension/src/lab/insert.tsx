/** Puts code from a chat into the notebook someone works in. Undo takes it back. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookTracker, Notebook } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';

import { CellDiff } from '../components/CellDiff';

/** What can be done with code in the notebook that is open. */
export class NotebookCode {
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly trans: TranslationBundle
  ) {}

  /** Inserts a code cell above the active one and shows it. */
  readonly insertAbove = (code: string): void => this.insert(code, NotebookActions.insertAbove);

  /** Inserts a code cell below the active one and shows it. */
  readonly insertBelow = (code: string): void => this.insert(code, NotebookActions.insertBelow);

  /** Puts code in place of the active cell's, once a person has seen what changes and agreed. */
  readonly replace = (code: string): void => void this.propose(code);

  private insert(code: string, place: (notebook: Notebook) => void): void {
    const notebook = this.notebook();
    if (!notebook) {
      return;
    }
    place(notebook);
    notebook.activeCell?.model.sharedModel.setSource(code);
    void notebook.scrollToItem(notebook.activeCellIndex);
  }

  private async propose(code: string): Promise<void> {
    const { trans } = this;
    // The cell is looked up once: it is the one whose change was shown that is changed.
    const cell = this.notebook()?.activeCell?.model.sharedModel;
    if (!cell) {
      return;
    }
    const before = cell.getSource();
    if (before === code) {
      Notification.info(trans.__('The active cell says just that already.'), { autoClose: 4000 });
      return;
    }
    const { button } = await showDialog({
      title: trans.__('Replace the active cell?'),
      body: ReactWidget.create(<CellDiff trans={trans} before={before} after={code} />),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Replace') })
      ]
    });
    if (!button.accept || cell.isDisposed) {
      return;
    }
    if (cell.getSource() === before) {
      cell.setSource(code);
    } else {
      Notification.warning(trans.__('The cell has changed meanwhile, so it was left as it is.'));
    }
  }

  private notebook(): Notebook | null {
    const notebook = this.tracker.currentWidget?.content;
    if (notebook?.model) {
      return notebook;
    }
    Notification.info(this.trans.__('Open a notebook to put code into it.'), { autoClose: 4000 });
    return null;
  }
}
