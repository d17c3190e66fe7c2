/** Files in a thread's folder: those of one tool call, and all of them. */

import {
  caretDownIcon,
  caretRightIcon,
  downloadIcon,
  fileIcon,
  launchIcon,
  saveIcon
} from '@jupyterlab/ui-components';
import { memo, useId, useState } from 'react';

import { reasonOf } from '../client/refusal';
import type { Artifact } from '../protocol';
import { shownPath } from '../store/along';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { sized } from './time';

export interface FilesProps {
  readonly files: readonly Artifact[];
  /** Copies one into the notebook's folder, where that can be done. */
  readonly onSave?: (file: Artifact) => void;
}

/** What the server lets a browser show; all else it may only save. */
const SHOWN: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'text/plain'];

/** Files to be downloaded, by the addresses the server gave, or saved beside the notebook. */
export function Files({ files, onSave }: FilesProps): JSX.Element {
  const { trans, resolve, locale } = useHost();
  return (
    <ul className="jcs-Files" aria-label={trans.__('Files')}>
      {files.map(file => (
        <li key={file.path}>
          {file.url === undefined ? (
            <span className="jcs-File">
              <fileIcon.react tag="span" />
              <span className="jcs-File-name">{shownPath(file.path)}</span>
            </span>
          ) : (
            <a
              className="jcs-File"
              href={resolve(file.url)}
              download={file.path.split('/').pop()}
              title={trans.__('Download %1', file.path)}
            >
              <fileIcon.react tag="span" />
              <span className="jcs-File-name">{shownPath(file.path)}</span>
              <span className="jcs-File-size">{sized(file.size, locale)}</span>
              <downloadIcon.react tag="span" />
            </a>
          )}
          {file.url !== undefined && SHOWN.includes(file.media_type) && (
            <a
              className="jcs-IconButton"
              href={resolve(file.url)}
              target="_blank"
              rel="noopener noreferrer"
              title={trans.__('Open in a new tab')}
              aria-label={trans.__('Open %1 in a new tab', file.path)}
            >
              <launchIcon.react tag="span" />
            </a>
          )}
          {onSave && (
            <IconButton
              icon={saveIcon}
              label={trans.__('Save %1 to the notebook’s folder', file.path)}
              title={trans.__('Save to the notebook’s folder')}
              onClick={() => onSave(file)}
            />
          )}
        </li>
      ))}
    </ul>
  );
}

export interface FilesStripProps {
  readonly files: readonly Artifact[];
  /** Copies one into the notebook's folder; the path it has there. Absent where there is none. */
  readonly onSave?: (path: string) => Promise<string>;
}

/** What came of saving a file. */
interface Saved {
  readonly words: string;
  readonly isRefused: boolean;
  /** The path it has below the server's root; `null` where it has none. */
  readonly path: string | null;
}

/** All files of a thread: one line that unfolds. Nothing where there are none. */
export const FilesStrip = memo(function FilesStrip({ files, onSave }: FilesStripProps): JSX.Element | null {
  const { trans, refreshFolder, openFile } = useHost();
  const [isOpen, setOpen] = useState(false);
  const [saved, setSaved] = useState<Saved | null>(null);
  const save = ({ path }: Artifact): void => {
    onSave?.(path).then(
      where => {
        setSaved({
          words: trans.__('%1 was saved beside the notebook as %2', path, where),
          isRefused: false,
          path: where
        });
        refreshFolder();
      },
      (error: unknown) =>
        setSaved({
          words: reasonOf(error),
          isRefused: true,
          path: null
        })
    );
  };
  const list = useId();
  if (files.length === 0) {
    return null;
  }
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  const newest = [...files].sort((a, b) => modified(b).localeCompare(modified(a)));
  return (
    <section className="jcs-Strip" aria-label={trans.__('Files of this chat')}>
      <button
        type="button"
        className="jcs-Strip-head"
        aria-expanded={isOpen}
        aria-controls={list}
        onClick={() => setOpen(!isOpen)}
      >
        <Caret.react tag="span" className="jcs-Tool-caret" />
        <span>{trans._n('%1 file', '%1 files', files.length)}</span>
        {!isOpen && (
          <span className="jcs-Strip-gist">{newest.map(file => shownPath(file.path)).join(', ')}</span>
        )}
      </button>
      {isOpen && (
        <div id={list}>
          <Files files={newest} onSave={onSave && save} />
        </div>
      )}
      <div className="jcs-Strip-said" role="status">
        {isOpen && saved && (
          <>
            <span className={saved.isRefused ? 'jcs-mod-error' : undefined}>{saved.words}</span>{' '}
            {saved.path !== null && openFile && (
              <button type="button" className="jcs-Link" onClick={() => openFile(saved.path ?? '')}>
                {trans.__('Open it')}
              </button>
            )}
          </>
        )}
      </div>
    </section>
  );
});

function modified(file: Artifact): string {
  return 'modified' in file ? String(file.modified) : '';
}
