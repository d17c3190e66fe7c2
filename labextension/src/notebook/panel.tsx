/**
 * A chat inside a notebook's output: live over the server's websocket, or as it was saved where there is no server.
 *
 * Nothing of the conversation goes through the kernel: its comms wait while a cell runs, and end with it.
 */

import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { createRoot } from 'react-dom/client';
import type { Root } from 'react-dom/client';

import { reasonOf } from '../client/refusal';
import type { Rest } from '../client/rest';
import { HostProvider } from '../components/host';
import type { Host } from '../components/host';
import { newId } from '../ids';
import type { Thread } from '../store/thread';
import type { OpenThreads } from '../store/threads';
import { PanelChat } from './PanelChat';
import type { Saved } from './snapshot';

export interface PanelParts {
  readonly host: Host;
  readonly rest: Rest;
  readonly threads: OpenThreads;
  readonly tracker: INotebookTracker | null;
  readonly contents: Contents.IManager;
}

export class Panel {
  private readonly root: Root;
  private taken: Thread | null = null;
  private asked = 0;

  /** `onThread` is told which thread the panel shows, once it is known. */
  constructor(
    private readonly node: HTMLElement,
    private readonly parts: PanelParts,
    private readonly onThread: (thread: Thread) => void
  ) {
    const { trans } = parts.host;
    node.classList.add('jcs-Panel');
    node.setAttribute('role', 'region');
    node.setAttribute('aria-label', trans.__('Chat'));
    node.addEventListener('keydown', keepKeys);
    window.addEventListener('keydown', this.shield, true);
    this.root = createRoot(node);
  }

  /** The thread that is shown; `null` before it is known. */
  get thread(): Thread | null {
    return this.taken;
  }

  resize(height: unknown): void {
    if (typeof height === 'string') {
      this.node.style.setProperty('--jcs-panel-height', height);
    }
  }

  /** Shows that thread; for `null` the notebook's current one. `saved` is shown where the server has none. */
  async open(threadId: string | null, saved: Saved | null, path?: string): Promise<void> {
    const question = ++this.asked;
    const notebook = this.notebook(path);
    try {
      const id = threadId || (await this.current(notebook));
      if (question === this.asked) {
        this.show(id, notebook, saved);
      }
    } catch (error) {
      if (question === this.asked) {
        const again = (): void => void this.open(threadId, saved, path);
        this.showFailure(reasonOf(error), again);
      }
    }
  }

  close(): void {
    this.asked += 1;
    this.node.removeEventListener('keydown', keepKeys);
    window.removeEventListener('keydown', this.shield, true);
    this.release();
    this.root.unmount();
  }

  /** Notebook 7 looks for shortcuts on a key's way down, before the panel has it: the mark tells it not to. */
  private readonly shield = (event: KeyboardEvent): void => {
    if (event.target instanceof Element && this.node.contains(event.target)) {
      event.target.toggleAttribute('data-lm-suppress-shortcuts', isKept(event));
    }
  };

  private async current(notebook: string | null): Promise<string> {
    return notebook === null ? newId() : (await this.parts.rest.current(notebook)).thread_id;
  }

  private show(threadId: string, notebook: string | null, saved: Saved | null): void {
    if (this.taken?.id === threadId) {
      return;
    }
    this.release();
    const thread = this.parts.threads.take(threadId, { notebook });
    this.taken = thread;
    this.root.render(
      <HostProvider value={this.parts.host}>
        <PanelChat key={threadId} thread={thread} saved={saved} />
      </HostProvider>
    );
    this.onThread(thread);
  }

  private showFailure(message: string, again: () => void): void {
    const { trans } = this.parts.host;
    this.root.render(
      <div className="jcs-Chat">
        <div className="jcs-Banner jcs-mod-error" role="alert">
          {trans.__('The chat could not be opened: %1', message)}{' '}
          <button type="button" className="jcs-Link" onClick={again}>
            {trans.__('Try again')}
          </button>
        </div>
      </div>
    );
  }

  private release(): void {
    if (this.taken !== null) {
      this.parts.threads.release(this.taken.id);
      this.taken = null;
    }
  }

  /** The path of the notebook the panel stands in; `null` outside notebooks. */
  private notebook(known: string | undefined): string | null {
    const { tracker, contents } = this.parts;
    const panel = tracker?.find(each => each.node.contains(this.node));
    const path = panel?.context.path ?? known;
    return path ? contents.localPath(path) : null;
  }
}

/** Keeps keys from reaching the notebook around the panel, where they would run the cell or insert others. */
export function keepKeys(event: KeyboardEvent): void {
  if (isKept(event)) {
    event.stopPropagation();
  }
}

/** What is pressed with Ctrl or Meta goes on, so that saving and the palette work; but not Enter. */
function isKept(event: KeyboardEvent): boolean {
  return event.key === 'Enter' || !(event.ctrlKey || event.metaKey);
}
