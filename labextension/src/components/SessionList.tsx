/** The list of threads: what runs, this notebook's, today's, older ones. Rows are opened, renamed in place, and deleted by two clicks. */

import { deleteIcon, editIcon } from '@jupyterlab/ui-components';
import { memo, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';

import type { ThreadRow } from '../client/rest';
import { notebookOf } from '../client/rest';
import { ConfirmButton } from './ConfirmButton';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { ago } from './time';
import { TitleInput } from './TitleInput';

export interface SessionListProps {
  readonly here: readonly ThreadRow[];
  readonly elsewhere: readonly ThreadRow[];
  readonly error: string | null;
  /** The thread that is shown. */
  readonly current: string | null;
  /** Threads with an answer nobody has seen. */
  readonly unread: ReadonlySet<string>;
  readonly onOpen: (row: ThreadRow) => void;
  readonly onRename: (row: ThreadRow, title: string) => void;
  readonly onDelete: (row: ThreadRow) => void;
  readonly onRefresh: () => void;
}

/** With more rows than this, a field to search them is shown. */
const SEARCHABLE = 7;

export const SessionList = memo(function SessionList(props: SessionListProps): JSX.Element | null {
  const { trans } = useHost();
  const { here, elsewhere, error } = props;
  const [query, setQuery] = useState('');
  const [renaming, setRenaming] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const groups = useMemo(
    () => groupsOf(found(here, query), found(elsewhere, query)),
    [here, elsewhere, query]
  );
  const count = here.length + elsewhere.length;

  const move = (event: KeyboardEvent): void => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('.jcs-Row-open') ?? [])];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (at >= 0 && next !== undefined && rows[next]) {
      event.preventDefault();
      rows[next].focus();
    }
  };

  const names = {
    running: trans.__('Running'),
    here: trans.__('This notebook'),
    today: trans.__('Today'),
    older: trans.__('Older'),
    programs: trans.__('Begun by programs')
  };
  const row = (each: ThreadRow): JSX.Element => (
    <Row
      key={each.thread_id}
      row={each}
      isHere={here.includes(each)}
      isCurrent={each.thread_id === props.current}
      isUnread={props.unread.has(each.thread_id)}
      isRenaming={each.thread_id === renaming}
      onOpen={() => props.onOpen(each)}
      onBeginRename={() => setRenaming(each.thread_id)}
      onEndRename={title => {
        setRenaming(null);
        if (title !== null) {
          props.onRename(each, title);
        }
      }}
      onDelete={() => {
        props.onDelete(each);
        // The row goes: the focus goes to the list, not to the page.
        list.current?.focus();
      }}
    />
  );

  // Where there is no chat yet, the new one says all there is to say.
  return count === 0 && error === null ? null : (
    <div className="jcs-List">
      {(count > SEARCHABLE || query) && (
        <input
          type="search"
          className="jcs-List-search"
          placeholder={trans.__('Search chats')}
          aria-label={trans.__('Search chats')}
          value={query}
          onChange={event => setQuery(event.target.value)}
        />
      )}
      <div ref={list} className="jcs-List-rows" tabIndex={-1} onKeyDown={move}>
        {error !== null && (
          <p className="jcs-List-note" role="alert">
            {trans.__('The list could not be read: %1', error)}{' '}
            <button type="button" className="jcs-Link" onClick={props.onRefresh}>
              {trans.__('Try again')}
            </button>
          </p>
        )}
        {groups.map(({ name, rows }) => (
          <section key={name} aria-label={names[name]}>
            <h3>{names[name]}</h3>
            <ul>{rows.map(row)}</ul>
          </section>
        ))}
        {query && groups.length === 0 && <p className="jcs-List-note">{trans.__('No chat matches.')}</p>}
      </div>
    </div>
  );
});

interface Group {
  readonly name: 'running' | 'here' | 'today' | 'older' | 'programs';
  readonly rows: readonly ThreadRow[];
}

/** The groups that have rows: each row is in one, what runs before all else, what programs began after it. */
export function groupsOf(
  here: readonly ThreadRow[],
  elsewhere: readonly ThreadRow[],
  now = new Date()
): readonly Group[] {
  const quiet = (row: ThreadRow): boolean => !row.running && !row.origin;
  const isToday = (row: ThreadRow): boolean => new Date(row.updated).toDateString() === now.toDateString();
  const groups: readonly Group[] = [
    { name: 'running', rows: [...here, ...elsewhere].filter(row => row.running) },
    { name: 'here', rows: here.filter(quiet) },
    { name: 'today', rows: elsewhere.filter(row => quiet(row) && isToday(row)) },
    { name: 'older', rows: elsewhere.filter(row => quiet(row) && !isToday(row)) },
    { name: 'programs', rows: [...here, ...elsewhere].filter(row => !row.running && row.origin) }
  ];
  return groups.filter(group => group.rows.length > 0);
}

/** The rows that have every word of `query` in their title, preview or notebook. */
function found(rows: readonly ThreadRow[], query: string): readonly ThreadRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(row => {
    const text = `${row.title} ${row.preview} ${notebookOf(row) ?? row.folder}`.toLowerCase();
    return words.every(word => text.includes(word));
  });
}

/** Whether the title, perhaps cut short, says what the preview says. */
function isSaid({ title, preview }: ThreadRow): boolean {
  return title !== '' && preview.startsWith(title.replace(/…$/, ''));
}

/** Markdown in one line, without the marks that would only be seen there. */
function plain(text: string): string {
  return text.replace(/\*\*|`|^#+ /g, '');
}

interface RowProps {
  readonly row: ThreadRow;
  readonly isHere: boolean;
  readonly isCurrent: boolean;
  readonly isUnread: boolean;
  readonly isRenaming: boolean;
  readonly onOpen: () => void;
  readonly onBeginRename: () => void;
  /** `null`: nothing is to change. */
  readonly onEndRename: (title: string | null) => void;
  readonly onDelete: () => void;
}

function Row(props: RowProps): JSX.Element {
  const { trans, locale } = useHost();
  const { row, isCurrent, isUnread } = props;
  const opener = useRef<HTMLButtonElement>(null);
  const title = row.title || trans.__('Untitled chat');
  if (props.isRenaming) {
    return (
      <li className="jcs-Row">
        <TitleInput title={row.title} back={opener} onEnd={props.onEndRename} />
      </li>
    );
  }
  const where = props.isHere ? '' : (notebookOf(row) ?? row.folder);
  const more = where || (isSaid(row) ? '' : plain(row.preview));
  return (
    <li className={`jcs-Row${isCurrent ? ' jcs-mod-current' : ''}`}>
      <button
        ref={opener}
        type="button"
        className="jcs-Row-open"
        aria-current={isCurrent ? 'true' : undefined}
        title={[title, row.preview, where].filter(Boolean).join('\n')}
        onClick={props.onOpen}
        onDoubleClick={props.onBeginRename}
        onKeyDown={event => {
          if (event.key === 'F2') {
            event.preventDefault();
            props.onBeginRename();
          }
        }}
      >
        <span className="jcs-Row-line">
          <span className="jcs-Row-title">{title}</span>
          {row.running && (
            <span className="jcs-Dot jcs-mod-running" role="img" aria-label={trans.__('running')} />
          )}
          {isUnread && !row.running && (
            <span className="jcs-Dot" role="img" aria-label={trans.__('new answer')} />
          )}
          <time className="jcs-Row-time" dateTime={row.updated}>
            {ago(row.updated, trans, locale)}
          </time>
        </span>
        {more && <span className="jcs-Row-preview">{more}</span>}
      </button>
      <span className="jcs-Row-actions">
        <IconButton
          icon={editIcon}
          label={trans.__('Rename %1', title)}
          title={trans.__('Rename (F2)')}
          onClick={props.onBeginRename}
        />
        <ConfirmButton
          icon={deleteIcon}
          label={trans.__('Delete %1', title)}
          confirmLabel={trans.__('Confirm delete')}
          onConfirm={props.onDelete}
        />
      </span>
    </li>
  );
}
