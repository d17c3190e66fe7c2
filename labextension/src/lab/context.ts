/** What of the notebook someone works in can go along with a message. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Rest } from '../client/rest';
import type { Mention, NotebookContext, Variable } from '../components/host';
import type { ContextItem } from '../protocol';

/** Characters of a cell, an output or a selection that are sent; the server takes no more than 30,000. */
const LONGEST = 20_000;
const MOST_FILES = 500;
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[0-9;]*[A-Za-z]/g;

type Json = Readonly<Record<string, unknown>>;

type Cell = NonNullable<NotebookPanel['content']['activeCell']>;

/** A code cell's model, as far as it is read here. */
interface CodeModel {
  readonly executionCount: number | null;
  readonly outputs: {
    readonly length: number;
    get(place: number): { readonly type: string; toJSON(): unknown };
  };
}

export class OpenNotebookContext implements NotebookContext {
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly contents: Contents.IManager,
    private readonly rest: Pick<Rest, 'variables'>,
    private readonly trans: TranslationBundle
  ) {}

  mentions(): readonly Mention[] {
    const { trans } = this;
    const panel = this.tracker.currentWidget;
    const cell = panel?.content.activeCell;
    if (!panel?.model || !cell) {
      return [];
    }
    const notebook = this.pathOf(panel);
    const found: Mention[] = [];
    const add = (key: string, label: string, detail: string, item: ContextItem): void => {
      found.push({ key, label, detail: firstLine(detail), item });
    };
    const source = cell.model.sharedModel.getSource();
    const shown = { ...cellItem(cell.model.toJSON() as unknown as Json, notebook), active: true };
    add('cell', trans.__('Active cell'), source, shown);
    const selected = selectionIn(cell);
    if (selected) {
      const text = cut(selected);
      add('selection', trans.__('Selection'), text, {
        type: 'selection',
        notebook,
        cell_id: cell.model.id,
        text
      });
    }
    const error = lastError(panel);
    if (error) {
      add('error', trans.__('Last error'), `${error.ename}: ${error.evalue}`, { ...error, notebook });
    }
    return found;
  }

  cell(json: unknown): ContextItem {
    const panel = this.tracker.currentWidget;
    return cellItem(json as Json, panel ? this.pathOf(panel) : undefined);
  }

  async variables(): Promise<readonly Variable[]> {
    const panel = this.tracker.currentWidget;
    if (!panel?.sessionContext.session?.kernel) {
      return [];
    }
    const notebook = this.pathOf(panel);
    const found = await this.rest.variables(notebook);
    return found.map(({ name, type, size, preview }) => ({
      name,
      detail: [[type, size].filter(Boolean).join(' '), preview].filter(Boolean).join(' · '),
      item: { type: 'variable', notebook, name }
    }));
  }

  async filesIn(folder: string): Promise<readonly string[]> {
    const { content } = await this.contents.get(folder, { content: true });
    const entries = content as readonly Contents.IModel[];
    const files = entries.filter(each => each.type !== 'directory' && !each.name.startsWith('.'));
    return files.map(each => each.name).slice(0, MOST_FILES);
  }

  async read(path: string): Promise<File> {
    const model = await this.contents.get(path, { content: true, type: 'file', format: 'base64' });
    const bytes = Uint8Array.from(atob(model.content as string), char => char.charCodeAt(0));
    return new File([bytes], model.name, { type: model.mimetype });
  }

  localPath(path: string): string {
    return this.contents.localPath(path);
  }

  private pathOf(panel: NotebookPanel): string {
    return this.contents.localPath(panel.context.path);
  }
}

function cellItem(cell: Json, notebook: string | undefined): ContextItem {
  const outputs = Array.isArray(cell['outputs']) ? (cell['outputs'] as readonly Json[]).map(wordsOf) : [];
  const words = outputs.filter(Boolean).join('\n');
  return {
    type: 'cell',
    ...(notebook !== undefined && { notebook }),
    ...(typeof cell['id'] === 'string' && { id: cell['id'] }),
    kind: typeof cell['cell_type'] === 'string' ? cell['cell_type'] : 'code',
    source: cut(joined(cell['source'])),
    ...(words && { outputs: cut(words) })
  };
}

/** An output's words; "" where it has none. */
function wordsOf(output: Json): string {
  if (output['output_type'] === 'stream') {
    return joined(output['text']);
  }
  if (output['output_type'] === 'error') {
    return joined(output['traceback'], '\n').replace(COLOURS, '');
  }
  const data = (output['data'] ?? {}) as Json;
  return joined(data['text/plain'] ?? data['text/markdown'] ?? data['text/latex'] ?? '');
}

function selectionIn(cell: Cell): string {
  const { editor } = cell;
  if (!editor) {
    return '';
  }
  const { start, end } = editor.getSelection();
  const places = [editor.getOffsetAt(start), editor.getOffsetAt(end)];
  return cell.model.sharedModel.getSource().slice(Math.min(...places), Math.max(...places));
}

/** The error of the cell that ran last among those that show one. */
function lastError(panel: NotebookPanel): ContextItem | null {
  let found: ContextItem | null = null;
  let count = -1;
  for (const { model } of panel.content.widgets) {
    if (model.type !== 'code') {
      continue;
    }
    const { id } = model;
    const { outputs, executionCount } = model as unknown as CodeModel;
    for (let place = 0; place < outputs.length; place++) {
      if (outputs.get(place).type === 'error' && (executionCount ?? 0) > count) {
        const error = outputs.get(place).toJSON() as Json;
        count = executionCount ?? 0;
        found = {
          type: 'error',
          cell_id: id,
          ename: joined(error['ename']).slice(0, 500),
          evalue: joined(error['evalue']).slice(0, 5000),
          traceback: cut(wordsOf(error))
        };
      }
    }
  }
  return found;
}

function joined(text: unknown, by = ''): string {
  return [text ?? ''].flat().join(by);
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n…` : text;
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 120);
}
