/**
 * Answers what the server asks of a notebook that is open in this page (docs/wire.md, "The notebook").
 *
 * Changes go through the shared model, so the person sees them and can undo them; a cell that is no longer what the
 * server saw is left alone.
 */

import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookModel, INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents, Kernel, KernelMessage } from '@jupyterlab/services';

import type { CellEdit, NotebookAnswer, NotebookQuestion } from '../protocol';

/** Why a question is not answered as asked; `code` is one the server knows. */
export class NotebookRefusal extends Error {
  constructor(
    readonly code: 'conflict' | 'not_found' | 'malformed',
    message: string
  ) {
    super(message);
    this.name = 'NotebookRefusal';
  }
}

/** The kinds of output that are words; of the others only the kind is told. */
const WORDS: readonly string[] = ['text/plain', 'text/markdown', 'text/latex'];

type Json = Readonly<Record<string, unknown>>;

export class OpenNotebooks {
  /** The runs that were asked for, by the question's id: what stops each. */
  private readonly running = new Map<string, () => void>();

  constructor(
    private readonly tracker: INotebookTracker,
    private readonly contents: Contents.IManager
  ) {}

  /** The answer; `null` where none is expected. Rejects with a `NotebookRefusal`. */
  async answer(question: NotebookQuestion): Promise<NotebookAnswer | null> {
    if (question.operation === 'stop') {
      this.running.get(question.id)?.();
      return null;
    }
    const panel = this.tracker.find(each => this.contents.localPath(each.context.path) === question.path);
    if (question.operation === 'find') {
      return { open: !!panel?.model };
    }
    if (!panel?.model) {
      throw new NotebookRefusal('not_found', 'The notebook is not open in this page any more.');
    }
    switch (question.operation) {
      case 'read':
        return { cells: cellsOf(panel) };
      case 'edit':
        return { cell_id: edited(panel.model, question.edit) };
      case 'run':
        return { outputs: await this.run(panel, question) };
    }
  }

  private async run(
    panel: NotebookPanel,
    question: Extract<NotebookQuestion, { readonly operation: 'run' }>
  ): Promise<readonly Json[]> {
    const place = placeOf(panel.model, question.cell_id, question.source);
    const widget = panel.content.widgets[place];
    const kernel = panel.sessionContext.session?.kernel;
    if (!kernel) {
      throw new NotebookRefusal('not_found', 'The notebook has no running kernel; start it first.');
    }
    const watch = new Executing(kernel);
    this.running.set(question.id, () => {
      // Interrupting while another cell runs would stop that one.
      if (watch.isRunning(widget as unknown as WithFuture)) {
        void kernel.interrupt();
      }
    });
    try {
      await NotebookActions.runCells(panel.content, [widget], panel.sessionContext);
    } finally {
      this.running.delete(question.id);
      watch.dispose();
    }
    return lean(widget.model.toJSON() as unknown as Json);
  }
}

interface WithFuture {
  readonly outputArea?: {
    readonly future?: { readonly msg: { readonly header: { readonly msg_id: string } } } | null;
  };
}

/** Which request a kernel is busy with. */
class Executing {
  private current: string | null = null;

  constructor(private readonly kernel: Kernel.IKernelConnection) {
    kernel.iopubMessage.connect(this.hear, this);
  }

  isRunning(cell: WithFuture): boolean {
    const id = cell.outputArea?.future?.msg.header.msg_id;
    return id !== undefined && id === this.current;
  }

  dispose(): void {
    this.kernel.iopubMessage.disconnect(this.hear, this);
  }

  private hear(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const parent = message.parent_header;
    if (message.header.msg_type === 'status' && 'msg_id' in parent && parent.msg_type === 'execute_request') {
      const { execution_state: state } = message.content as KernelMessage.IStatusMsg['content'];
      this.current = state === 'busy' ? parent.msg_id : null;
    }
  }
}

function cellsOf(panel: NotebookPanel): readonly Json[] {
  const cells = panel.model?.sharedModel.cells ?? [];
  return cells.map(cell => {
    const json = cell.toJSON() as unknown as Json;
    const count = json['execution_count'];
    return {
      id: cell.id,
      kind: cell.cell_type,
      source: cell.getSource(),
      outputs: lean(json),
      ...(typeof count === 'number' && { execution_count: count })
    };
  });
}

/** Where the cell stands, if it still is what the server saw. */
function placeOf(model: INotebookModel | null, id: string, source: string): number {
  const cells = model?.sharedModel.cells ?? [];
  const place = cells.findIndex(cell => cell.id === id);
  if (place < 0) {
    throw new NotebookRefusal('not_found', `The notebook has no cell ${id} any more.`);
  }
  if (cells[place].getSource() !== source) {
    throw new NotebookRefusal(
      'conflict',
      `Cell ${id} has changed meanwhile. Nothing was changed; read it again.`
    );
  }
  return place;
}

function edited(model: INotebookModel, edit: CellEdit): string {
  const shared = model.sharedModel;
  const place = placeOf(model, edit.cell_id, edit.old_source);
  const cell = shared.cells[place];
  const isLocked = cell.getMetadata('editable') === false || cell.getMetadata('deletable') === false;
  if (model.readOnly || (isLocked && edit.operation !== 'insert_after')) {
    throw new NotebookRefusal('conflict', `Cell ${edit.cell_id} is locked; it can only be changed by hand.`);
  }
  switch (edit.operation) {
    case 'replace':
      cell.setSource(edit.new_source);
      return cell.id;
    case 'insert_after':
      return shared.insertCell(place + 1, {
        cell_type: edit.kind,
        source: edit.new_source,
        metadata: {}
      }).id;
    case 'delete':
      shared.deleteCell(place);
      return cell.id;
    case 'move': {
      const after = edit.after === null ? -1 : shared.cells.findIndex(each => each.id === edit.after);
      if (edit.after !== null && after < 0) {
        throw new NotebookRefusal('not_found', `The notebook has no cell ${edit.after} to move behind.`);
      }
      shared.moveCell(place, after < place ? after + 1 : after);
      return edit.cell_id;
    }
  }
}

/** A cell's outputs without what is no words; the kinds of what was left out stand in the words. */
function lean(cell: Json): readonly Json[] {
  const outputs = cell['outputs'];
  if (!Array.isArray(outputs)) {
    return [];
  }
  return (outputs as readonly Json[]).map(output => {
    const data = output['data'];
    if (typeof data !== 'object' || data === null) {
      return output;
    }
    const kinds = Object.keys(data);
    const words = Object.fromEntries(Object.entries(data).filter(([kind]) => WORDS.includes(kind)));
    const others = kinds.filter(kind => !WORDS.includes(kind) && kind !== 'text/html');
    const plain = [words['text/plain'] ?? ''].flat().join('');
    const told = others.length > 0 ? { 'text/plain': `${plain} [${others.join(', ')}]`.trim() } : {};
    return { ...output, data: { ...words, ...told }, metadata: {} };
  });
}
