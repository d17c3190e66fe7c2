/** The dialog in which a thread is shared. */

import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useEffect, useState, useSyncExternalStore } from 'react';

import { reasonOf } from '../client/refusal';
import type { Rest, Share, ShareRights } from '../client/rest';
import { HostProvider } from '../components/host';
import type { Host } from '../components/host';
import { ShareView } from '../components/Share';
import type { Thread } from '../store/thread';

interface Parts {
  readonly host: Host;
  readonly rest: Rest;
  readonly thread: Thread;
}

/** Shows the dialog for a thread, until it is closed. */
export async function shareThread(parts: Parts): Promise<void> {
  const { trans } = parts.host;
  const dialog = new Dialog({
    title: trans.__('Share this chat'),
    body: new ShareBody(parts),
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })],
    hasClose: true
  });
  await dialog.launch();
}

class ShareBody extends ReactWidget {
  constructor(private readonly parts: Parts) {
    super();
    this.addClass('jcs-Dialog');
  }

  protected render(): JSX.Element {
    return (
      <HostProvider value={this.parts.host}>
        <Sharing {...this.parts} />
      </HostProvider>
    );
  }
}

function Sharing({ rest, thread }: Parts): JSX.Element {
  const { view } = useSyncExternalStore(thread.subscribe, thread.snapshot);
  const [shares, setShares] = useState<readonly Share[] | null>(null);
  const [link, setLink] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { id, place } = thread;

  const refused = (error: unknown): void => setProblem(reasonOf(error));
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    try {
      setProblem(null);
      await act();
      setShares(await rest.shares(id, place));
    } catch (error) {
      refused(error);
    }
  };
  const isWritten = view.seq > 0;
  useEffect(() => {
    if (isWritten) {
      rest.shares(id, place).then(setShares, refused);
    }
  }, [rest, id, place, isWritten]);

  const create = (rights: ShareRights, lastsSeconds: number): void =>
    void attempt(async () => {
      const made = await rest.share(id, rights, lastsSeconds, place);
      setLink(rest.resolve(made.url));
    });
  const revoke = (shareId: string): void =>
    void attempt(async () => {
      await rest.unshare(id, shareId, place);
      setLink(null);
    });
  return (
    <ShareView
      shares={shares}
      link={link}
      level={view.level}
      problem={problem}
      onCreate={create}
      onRevoke={revoke}
    />
  );
}
