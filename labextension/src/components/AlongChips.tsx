/** What goes along with a message: as chips while it is written, and on the message once it is sent. */

import { closeIcon, codeIcon, fileIcon, notebookIcon, refreshIcon } from '@jupyterlab/ui-components';
import { memo } from 'react';

import type { ContextItem } from '../protocol';
import { isImage } from '../store/along';
import type { Along } from '../store/along';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { sized } from './time';

export interface AlongChipsProps {
  readonly along: readonly Along[];
  readonly onRemove: (id: string) => void;
  readonly onRetry: (id: string) => void;
}

/** The chips in the composer. */
export function AlongChips({ along, onRemove, onRetry }: AlongChipsProps): JSX.Element {
  const { trans, locale } = useHost();
  return (
    <ul className="jcs-Alongs" aria-label={trans.__('Goes along')}>
      {along.map(({ id, label, state, come, size, refusal, item }) => (
        <li
          key={id}
          className={`jcs-Along jcs-mod-${state}`}
          title={refusal ?? (size > 0 ? `${label} · ${sized(size, locale)}` : label)}
        >
          <Kind item={item} />
          <span className="jcs-Along-label">{label}</span>
          {state === 'coming' && (
            <progress
              aria-label={trans.__('Uploading %1', label)}
              {...(size > 0 && { value: come, max: size })}
            />
          )}
          {state === 'failed' && (
            <>
              <span className="jcs-Along-refusal" role="alert">
                {refusal}
              </span>
              <IconButton
                icon={refreshIcon}
                label={trans.__('Try again: %1', label)}
                title={trans.__('Try again')}
                onClick={() => onRetry(id)}
              />
            </>
          )}
          <IconButton
            icon={closeIcon}
            label={trans.__('Remove %1', label)}
            title={trans.__('Remove')}
            onClick={() => onRemove(id)}
          />
        </li>
      ))}
    </ul>
  );
}

function Kind({ item }: { readonly item: ContextItem | null }): JSX.Element {
  const Icon =
    item === null || item.type === 'file' ? fileIcon : item.type === 'cell' ? notebookIcon : codeIcon;
  return <Icon.react tag="span" />;
}

export interface SentAlongProps {
  readonly items: readonly ContextItem[];
}

/** What went along with a message: images as they are, the rest by name, its words unfolding. */
export const SentAlong = memo(function SentAlong({ items }: SentAlongProps): JSX.Element | null {
  const { trans, resolve } = useHost();
  if (items.length === 0) {
    return null;
  }
  return (
    <ul className="jcs-Sent" aria-label={trans.__('Sent along')}>
      {items.map((item, place) => {
        const { path = '', url } = item;
        const name = path.split('/').pop() ?? '';
        if (item.type === 'file' && url !== undefined) {
          return (
            <li key={place}>
              <a
                href={resolve(url)}
                download={name}
                title={trans.__('Download %1', name)}
                className="jcs-Sent-file"
              >
                {isImage(path) ? (
                  <img src={resolve(url)} alt={name} loading="lazy" />
                ) : (
                  <>
                    <fileIcon.react tag="span" />
                    <span className="jcs-Along-label">{name}</span>
                  </>
                )}
              </a>
            </li>
          );
        }
        const words = wordsIn(item);
        return (
          <li key={place}>
            <details className="jcs-Sent-words">
              <summary>
                <Kind item={item} />
                <span className="jcs-Along-label">{nameIn(item, trans) || name}</span>
              </summary>
              {words && <pre>{words}</pre>}
            </details>
          </li>
        );
      })}
    </ul>
  );
});

/** What a part of the notebook is called on a message. */
function nameIn(item: ContextItem, trans: ReturnType<typeof useHost>['trans']): string {
  switch (item.type) {
    case 'cell':
      return item.active ? trans.__('Active cell') : trans.__('Cell');
    case 'selection':
      return trans.__('Selection');
    case 'error':
      return item.ename || trans.__('Last error');
    case 'variable':
      return item.name ?? '';
    case 'file':
      return '';
  }
}

function wordsIn(item: ContextItem): string {
  const parts = [
    item.source,
    item.text,
    item.value ?? item.problem,
    item.traceback || item.evalue,
    item.outputs
  ];
  return parts.filter(Boolean).join('\n\n');
}
