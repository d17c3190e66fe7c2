/**
 * `ChatPanel` in a notebook's output: the same chat, live over the server's websocket.
 *
 * Nothing of the conversation goes through the kernel: its comms wait while a cell runs, and end with it. They only
 * keep the panel's traits the same on both sides.
 */

import { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';
import type { ExportMap } from '@jupyter-widgets/base';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { createRoot } from 'react-dom/client';
import type { Root } from 'react-dom/client';

import type { Place, Rest } from '../client/rest';
import { HostProvider } from '../components/host';
import type { Host } from '../components/host';
import { ThreadView } from '../components/ThreadView';
import { newId } from '../ids';
import type { OpenThreads } from '../store/threads';
import { MODULE, MODULE_VERSION } from './name';

export interface PanelParts {
  readonly host: Host;
  readonly rest: Rest;
  readonly threads: OpenThreads;
  readonly tracker: INotebookTracker | null;
  readonly contents: Contents.IManager;
}

export class ChatPanelModel extends DOMWidgetModel {
  override defaults(): Backbone.ObjectHash {
    return {
      ...super.defaults(),
      _model_name: 'ChatPanelModel',
      _model_module: MODULE,
      _model_module_version: MODULE_VERSION,
      _view_name: 'ChatPanelView',
      _view_module: MODULE,
      _view_module_version: MODULE_VERSION,
      thread_id: null,
      height: '28em'
    };
  }
}

/** What the widget registry is given. */
export function panelExports(parts: PanelParts): ExportMap {
  class ChatPanelView extends PanelView {
    protected override readonly parts = parts;
  }
  return { ChatPanelModel, ChatPanelView };
}

abstract class PanelView extends DOMWidgetView {
  protected abstract readonly parts: PanelParts;
  private root: Root | null = null;
  private taken: string | null = null;
  private asked = 0;

  override render(): void {
    super.render();
    const { trans } = this.parts.host;
    this.el.classList.add('jcs-Panel');
    this.el.setAttribute('role', 'region');
    this.el.setAttribute('aria-label', trans.__('Chat'));
    this.el.addEventListener('keydown', keepKeys);
    this.root = createRoot(this.el);
    this.listenTo(this.model, 'change:thread_id', () => void this.follow());
    this.listenTo(this.model, 'change:height', () => this.resize());
    this.resize();
    void this.displayed.then(() => this.follow());
  }

  override remove(): void {
    this.asked += 1;
    this.el.removeEventListener('keydown', keepKeys);
    this.release();
    this.root?.unmount();
    this.root = null;
    super.remove();
  }

  private resize(): void {
    this.el.style.setProperty('--jcs-panel-height', String(this.model.get('height')));
  }

  /** Shows the thread the trait names; where it names none, the notebook's current one. */
  private async follow(): Promise<void> {
    const question = ++this.asked;
    const notebook = this.notebook();
    try {
      const threadId = (this.model.get('thread_id') as string | null) || (await this.current(notebook));
      if (question === this.asked) {
        this.show(threadId, { notebook });
      }
    } catch (error) {
      if (question === this.asked) {
        this.showFailure(error instanceof Error ? error.message : String(error));
      }
    }
  }

  private async current(notebook: string | null): Promise<string> {
    return notebook === null ? newId() : (await this.parts.rest.current(notebook)).thread_id;
  }

  private show(threadId: string, place: Place): void {
    if (this.taken !== threadId) {
      this.release();
      this.taken = threadId;
      const thread = this.parts.threads.take(threadId, place);
      this.root?.render(
        <HostProvider value={this.parts.host}>
          <ThreadView key={threadId} thread={thread} />
        </HostProvider>
      );
    }
    if (this.model.get('thread_id') !== threadId) {
      this.model.set('thread_id', threadId);
      this.touch();
    }
  }

  private showFailure(message: string): void {
    const { trans } = this.parts.host;
    this.root?.render(
      <div className="jcs-Chat">
        <div className="jcs-Banner jcs-mod-error" role="alert">
          {trans.__('The chat could not be opened: %1', message)}{' '}
          <button type="button" className="jcs-Link" onClick={() => void this.follow()}>
            {trans.__('Try again')}
          </button>
        </div>
      </div>
    );
  }

  private release(): void {
    if (this.taken !== null) {
      this.parts.threads.release(this.taken);
      this.taken = null;
    }
  }

  /** The path of the notebook the panel stands in; `null` outside notebooks. */
  private notebook(): string | null {
    const { tracker, contents } = this.parts;
    const manager = this.model.widget_manager as { readonly context?: { readonly path?: string } };
    const panel = tracker?.find(each => each.node.contains(this.el));
    const path = panel?.context.path ?? manager.context?.path;
    return path ? contents.localPath(path) : null;
  }
}

/**
 * Keeps keys from reaching the notebook around the panel, where they would run the cell or insert others.
 * What is pressed with Ctrl or Meta goes on, so that saving and the palette work; but not Enter.
 */
export function keepKeys(event: KeyboardEvent): void {
  if (event.key === 'Enter' || !(event.ctrlKey || event.metaKey)) {
    event.stopPropagation();
  }
}
