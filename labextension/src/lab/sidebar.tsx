/** The sidebar: a head, the list of threads, and the chat. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';

import { reasonOf } from '../client/refusal';
import type { Rest, ThreadRow } from '../client/rest';
import { Head } from '../components/Head';
import { HostProvider } from '../components/host';
import type { Host } from '../components/host';
import { SessionList } from '../components/SessionList';
import { useSource } from '../components/source';
import { ThreadView } from '../components/ThreadView';
import { chatIcon } from '../icons';
import { runningOf } from '../store/turns';
import type { ThreadList } from '../store/threads';
import type { Desk } from './desk';

export interface SidebarParts {
  readonly host: Host;
  readonly rest: Rest;
  readonly list: ThreadList;
  readonly desk: Desk;
  /** Opens the thread that is shown in the main area. */
  readonly onOpenMain: () => void;
  /** Shows the links to the thread that is shown. */
  readonly onShare: () => void;
  /** Begins to compare models. */
  readonly onCompare: () => void;
}

export class Sidebar extends ReactWidget {
  constructor(private readonly parts: SidebarParts) {
    super();
    const { trans } = parts.host;
    this.id = 'jupyter-chat-sessions';
    this.addClass('jcs-Sidebar');
    this.title.icon = chatIcon;
    this.title.caption = trans.__('Chat');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Chat'));
  }

  protected render(): JSX.Element {
    return (
      <HostProvider value={this.parts.host}>
        <SidebarView {...this.parts} />
      </HostProvider>
    );
  }
}

function SidebarView(parts: SidebarParts): JSX.Element {
  const { host, rest, list, desk, onOpenMain, onCompare, onShare } = parts;
  const { trans } = host;
  const state = useSource(desk);
  const catalog = useSource(list);
  const [isListOpen, openList] = useState(true);
  const { thread, unread } = state;
  const { view } = useSyncExternalStore(thread.subscribe, thread.snapshot);
  const acts = useMemo(() => rowActs(rest, list, desk, trans), [rest, list, desk, trans]);
  const running = runningOf(view);

  const isWritten = view.seq > 0;
  const runs = view.runs.size;
  const named = view.thread?.title;

  // A message, a title or the end of an answer changes the list's order, titles and marks.
  useEffect(() => {
    if (!isWritten) {
      return undefined;
    }
    const timer = setTimeout(() => void list.refresh(), 300);
    return () => clearTimeout(timer);
  }, [list, thread, running, runs, isWritten, named]);

  return (
    <>
      <Head
        threadId={thread.id}
        title={view.thread?.title ?? ''}
        isListOpen={isListOpen}
        onToggleList={() => openList(!isListOpen)}
        onRename={isWritten ? title => acts.renameThread(thread.id, thread.place, title) : null}
        onCompare={onCompare}
        onShare={onShare}
        onOpenMain={onOpenMain}
        onNew={() => desk.newChat()}
      />
      {isListOpen && (
        <SessionList
          {...catalog}
          current={thread.id}
          unread={unread}
          onOpen={acts.open}
          onRename={acts.rename}
          onDelete={acts.delete}
          onRefresh={acts.refresh}
        />
      )}
      <ThreadView
        key={thread.id}
        thread={thread}
        focusKey={state.focus || undefined}
        isProvisional={state.isProvisional}
      />
    </>
  );
}

interface RowActs {
  readonly open: (row: ThreadRow) => void;
  readonly rename: (row: ThreadRow, title: string) => void;
  readonly renameThread: (threadId: string, place: ThreadPlace, title: string) => void;
  readonly delete: (row: ThreadRow) => void;
  readonly refresh: () => void;
}

type ThreadPlace = Parameters<Rest['rename']>[2];

function rowActs(rest: Rest, list: ThreadList, desk: Desk, trans: TranslationBundle): RowActs {
  const failed = (what: string, error: unknown): void => {
    Notification.error(`${what} ${reasonOf(error)}`);
    void list.refresh();
  };
  const renameThread = (threadId: string, place: ThreadPlace, title: string): void => {
    list.retitle(threadId, title);
    rest
      .rename(threadId, title, place)
      .then(() => list.refresh())
      .catch(error => failed(trans.__('The chat could not be renamed.'), error));
  };
  return {
    open: row => desk.open(row),
    refresh: () => void list.refresh(),
    renameThread,
    rename: (row, title) => renameThread(row.thread_id, list.placeOf(row.thread_id) ?? {}, title),
    delete: row => {
      const place = list.placeOf(row.thread_id) ?? {};
      list.drop(row.thread_id);
      desk.forget(row.thread_id);
      const undo = (): void => {
        rest
          .restore(row.thread_id, place)
          .then(() => list.refresh())
          .catch(error => failed(trans.__('The chat could not be restored.'), error));
      };
      rest
        .delete(row.thread_id, place)
        .then(() => {
          Notification.info(trans.__('“%1” was deleted.', row.title || trans.__('Untitled chat')), {
            autoClose: 8000,
            actions: [{ label: trans.__('Undo'), callback: undo }]
          });
          return list.refresh();
        })
        .catch(error => failed(trans.__('The chat could not be deleted.'), error));
    }
  };
}
