/** The deleted chats, and a button at each that takes it back. */

import { useState } from 'react';

import { reasonOf } from '../client/refusal';
import { notebookOf } from '../client/rest';
import type { DeletedRow } from '../client/rest';
import { useHost } from './host';
import { ago } from './time';
import { useLoaded } from './useLoaded';

export interface DeletedListProps {
  readonly load: () => Promise<readonly DeletedRow[]>;
  readonly onRestore: (row: DeletedRow) => Promise<void>;
}

export function DeletedList({ load, onRestore }: DeletedListProps): JSX.Element {
  const { trans, locale } = useHost();
  const { value, failure, again } = useLoaded(load);
  const [problem, tell] = useState('');
  const restore = async (row: DeletedRow): Promise<void> => {
    try {
      await onRestore(row);
      tell('');
    } catch (error) {
      tell(reasonOf(error));
    }
    again();
  };
  const refused = problem || failure;
  return (
    <div className="jcs-Deleted">
      {refused && <p role="alert">{refused}</p>}
      {value === null && !failure && <p role="status">{trans.__('Loading…')}</p>}
      {value?.length === 0 && <p>{trans.__('Nothing was deleted in the last 7 days.')}</p>}
      <ul aria-label={trans.__('Deleted chats')}>
        {value?.map(row => {
          const title = row.title || trans.__('Untitled chat');
          return (
            <li key={row.thread_id}>
              <span className="jcs-Deleted-what">
                <span>{title}</span>
                <small>
                  {[ago(row.deleted, trans, locale), notebookOf(row) ?? row.folder]
                    .filter(Boolean)
                    .join(' · ')}
                </small>
              </span>
              <button
                type="button"
                className="jcs-Button"
                aria-label={trans.__('Take %1 back', title)}
                onClick={() => void restore(row)}
              >
                {trans.__('Take back')}
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
