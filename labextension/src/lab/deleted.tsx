/** The dialog in which deleted chats are taken back. */

import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';

import { placeOf } from '../client/rest';
import type { Rest } from '../client/rest';
import { DeletedList } from '../components/DeletedList';
import { HostProvider } from '../components/host';
import type { Host } from '../components/host';
import type { ThreadList } from '../store/threads';

interface Parts {
  readonly host: Host;
  readonly rest: Rest;
  readonly list: ThreadList;
}

/** Shows the dialog until it is closed. */
export async function showDeleted({ host, rest, list }: Parts): Promise<void> {
  const body = ReactWidget.create(
    <HostProvider value={host}>
      <DeletedList
        load={() => rest.deleted()}
        onRestore={async row => {
          await rest.restore(row.thread_id, placeOf(row));
          await list.refresh();
        }}
      />
    </HostProvider>
  );
  body.addClass('jcs-Dialog');
  const { trans } = host;
  await new Dialog({
    title: trans.__('Deleted chats'),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })],
    hasClose: true
  }).launch();
}
