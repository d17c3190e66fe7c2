/** Which notebook someone works in, by its path below the server's root. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

export interface NotebookChange {
  readonly path: string | null;
  /** The path the same notebook had before, where it was renamed; `null` where another one is active now. */
  readonly renamedFrom: string | null;
}

export class ActiveNotebook {
  private panel: NotebookPanel | null = null;
  private last: string | null = null;
  private readonly signal = new Signal<this, NotebookChange>(this);

  constructor(
    tracker: INotebookTracker | null,
    private readonly contents: Contents.IManager
  ) {
    tracker?.currentChanged.connect((_, panel) => this.follow(panel));
    this.follow(tracker?.currentWidget ?? null);
  }

  /** `null` where no notebook is open. */
  get path(): string | null {
    return this.last;
  }

  get changed(): ISignal<this, NotebookChange> {
    return this.signal;
  }

  private follow(panel: NotebookPanel | null): void {
    this.panel?.context.pathChanged.disconnect(this.onRenamed, this);
    this.panel = panel;
    panel?.context.pathChanged.connect(this.onRenamed, this);
    this.tell(panel ? this.contents.localPath(panel.context.path) : null, false);
  }

  private onRenamed(_: unknown, path: string): void {
    this.tell(this.contents.localPath(path), true);
  }

  private tell(path: string | null, isSame: boolean): void {
    const renamedFrom = isSame ? this.last : null;
    if (path !== this.last) {
      this.last = path;
      this.signal.emit({ path, renamedFrom });
    }
  }
}
