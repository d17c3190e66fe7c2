/** A thread in the main area, as a tab of its own. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';

import type { Place } from '../client/rest';
import { HostProvider } from '../components/host';
import { ThreadView } from '../components/ThreadView';
import { chatIcon } from '../icons';
import type { Thread } from '../store/thread';
import type { IChatSessions } from '../tokens';

export class ThreadDocument extends ReactWidget {
  readonly thread: Thread;
  private readonly stop: () => void;

  constructor(
    private readonly sessions: IChatSessions,
    threadId: string,
    place: Place
  ) {
    super();
    const { trans } = sessions.host;
    this.id = `jupyter-chat-sessions-${threadId}`;
    this.addClass('jcs-Main');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Chat'));
    this.title.icon = chatIcon;
    this.title.closable = true;
    this.thread = sessions.threads.take(threadId, place);
    const name = (): void => {
      const { view } = this.thread.snapshot();
      this.title.label = (view.seq > 0 && view.thread?.title) || trans.__('New chat');
    };
    this.stop = this.thread.subscribe(name);
    name();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.stop();
      this.sessions.threads.release(this.thread.id);
      super.dispose();
    }
  }

  protected render(): JSX.Element {
    return (
      <HostProvider value={this.sessions.host}>
        <ThreadView thread={this.thread} />
      </HostProvider>
    );
  }
}

export type ThreadTab = MainAreaWidget<ThreadDocument>;

/** A thread in a frame that JupyterLab can dock. */
export function threadTab(sessions: IChatSessions, threadId: string, place: Place): ThreadTab {
  const content = new ThreadDocument(sessions, threadId, place);
  const tab = new MainAreaWidget({ content });
  tab.id = `${content.id}-tab`;
  tab.toolbar.hide();
  return tab;
}
