/** A shared thread as a visitor sees it: the chat, less what the share does not allow. */

import { useMemo, useSyncExternalStore } from 'react';

import { visitorsActionsOf } from '../components/actions';
import { Banners } from '../components/Banner';
import { Chat } from '../components/Chat';
import type { ChatActions } from '../components/Chat';
import { FilesStrip } from '../components/Files';
import { HostProvider, useHost } from '../components/host';
import type { Host } from '../components/host';
import { MessageList } from '../components/MessageList';
import type { Shown, Thread } from '../store/thread';
import type { Visit } from './rest';

export interface SharedChatProps {
  readonly host: Host;
  readonly thread: Thread;
  readonly visit: Visit;
}

export function SharedChat({ host, thread, visit }: SharedChatProps): JSX.Element {
  const shown = useSyncExternalStore(thread.subscribe, thread.snapshot);
  const actions = useMemo(() => {
    const all = visitorsActionsOf(thread, host);
    // Who may only read turns nobody else's page to another branch.
    return visit.rights === 'read' ? { ...all, look: (runId: string) => void thread.glance(runId) } : all;
  }, [thread, host, visit.rights]);
  const { view } = shown;
  const allowed = useMemo(
    (): Shown => (visit.rights === 'approve' ? shown : { ...shown, view: { ...view, approvals: [] } }),
    [shown, view, visit.rights]
  );
  const until = new Date(visit.expires).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short'
  });
  const words = {
    read: host.trans.__('Shared with you to read, until %1', until),
    send: host.trans.__('Shared with you to read and write, until %1', until),
    approve: host.trans.__('Shared with you to read, write and decide, until %1', until)
  }[visit.rights];
  return (
    <HostProvider value={host}>
      <div className="jcs-Main jcs-Share">
        <header className="jcs-Head">
          <h1>{view.thread?.title || host.trans.__('Chat')}</h1>
          <span className="jcs-Share-until">{words}</span>
        </header>
        {visit.rights === 'read' ? (
          <Reading shown={allowed} actions={actions} />
        ) : (
          <Chat shown={allowed} actions={actions} />
        )}
      </div>
    </HostProvider>
  );
}

function Reading({ shown, actions }: { readonly shown: Shown; readonly actions: ChatActions }): JSX.Element {
  const { trans } = useHost();
  const isEmpty = shown.view.thread !== null && shown.view.runs.size === 0;
  return (
    <div className="jcs-Chat">
      {isEmpty && <p className="jcs-Share-word">{trans.__('Nothing has been said here yet.')}</p>}
      <MessageList shown={shown} actions={actions} isReadOnly />
      <FilesStrip files={shown.files} />
      <Banners shown={shown} actions={actions} />
    </div>
  );
}
