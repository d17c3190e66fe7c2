/** The links that open a thread for people without a login here: made, copied, taken back. */

import { copyIcon, deleteIcon } from '@jupyterlab/ui-components';
import { useId, useState } from 'react';

import type { Share, ShareRights } from '../client/rest';
import type { Level } from '../protocol';
import { ConfirmButton } from './ConfirmButton';
import { useHost } from './host';

export interface ShareProps {
  /** Those that open the thread now; `null` while they are not known. */
  readonly shares: readonly Share[] | null;
  /** The link that was just made. It cannot be had again. */
  readonly link: string | null;
  readonly level: Level | null;
  /** What was refused, in words. */
  readonly problem: string | null;
  readonly onCreate: (rights: ShareRights, lastsSeconds: number) => void;
  readonly onRevoke: (shareId: string) => void;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

export function ShareView({ shares, link, level, problem, onCreate, onRevoke }: ShareProps): JSX.Element {
  const { trans } = useHost();
  const [rights, setRights] = useState<ShareRights>('read');
  const [lasts, setLasts] = useState(7 * DAY);
  const name = useId();
  const choices: readonly (readonly [ShareRights, string])[] = [
    ['read', trans.__('Read')],
    ['send', trans.__('Read and write')],
    ['approve', trans.__('Read, write and decide what may run')]
  ];
  const spans: readonly (readonly [number, string])[] = [
    [HOUR, trans.__('1 hour')],
    [DAY, trans.__('1 day')],
    [7 * DAY, trans.__('7 days')],
    [30 * DAY, trans.__('30 days')]
  ];
  return (
    <div className="jcs-Shares">
      <p className="jcs-quiet">
        {trans.__(
          'Whoever has a link sees this chat and its files as they change, without a login. Nothing else is opened.'
        )}
      </p>
      <fieldset>
        <legend>{trans.__('People with the link may')}</legend>
        {choices.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              checked={rights === value}
              onChange={() => setRights(value)}
            />
            {label}
          </label>
        ))}
      </fieldset>
      {rights !== 'read' && (
        <p className="jcs-Banner jcs-mod-warning" role="status">
          {rights === 'send'
            ? level === 'unconfined'
              ? trans.__(
                  'What they write uses your model. Nothing confines code here, so it runs only when you allow it, each time; so does whatever reaches your notebook or your files.'
                )
              : trans.__(
                  'What they write can run code in this chat’s folder and use your model. You are asked each time before anything of theirs reaches your notebook, its kernel or your other files; while you are not here, it is refused.'
                )
            : level === 'unconfined'
              ? trans.__(
                  'They decide in your place what may run, and nothing confines it: they could read and change all that you can. Give this link only to people you would lend this computer.'
                )
              : trans.__(
                  'They decide in your place, also on changes to the notebook and on code in its kernel, which nothing confines. Give this link only to people you would lend this computer.'
                )}
        </p>
      )}
      <div className="jcs-Shares-make">
        <label>
          {trans.__('It ends after')}
          <select value={lasts} onChange={event => setLasts(Number(event.target.value))}>
            {spans.map(([seconds, label]) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <span className="jcs-spring" />
        <button type="button" className="jcs-Button jcs-mod-main" onClick={() => onCreate(rights, lasts)}>
          {trans.__('Create link')}
        </button>
      </div>
      {problem !== null && (
        <p className="jcs-Tool-error" role="alert">
          {problem}
        </p>
      )}
      {link !== null && <Link key={link} link={link} />}
      {shares !== null && shares.length > 0 && (
        <section aria-label={trans.__('Links that open this chat')}>
          <h3>{trans.__('Links that open this chat')}</h3>
          <ul>
            {shares.map(share => (
              <Row
                key={share.share_id}
                share={share}
                may={choices.find(([value]) => value === share.rights)?.[1] ?? share.rights}
                onRevoke={() => onRevoke(share.share_id)}
              />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Link({ link }: { readonly link: string }): JSX.Element {
  const { trans, copy } = useHost();
  const [isCopied, confirm] = useState(false);
  return (
    <div className="jcs-Shares-link">
      <label>
        {trans.__('The link. It is shown this once.')}
        <input readOnly value={link} onFocus={event => event.target.select()} />
      </label>
      <button
        type="button"
        className="jcs-Button"
        onClick={() => {
          copy(link);
          confirm(true);
        }}
      >
        <copyIcon.react tag="span" />
        {isCopied ? trans.__('Copied') : trans.__('Copy link')}
      </button>
    </div>
  );
}

interface RowProps {
  readonly share: Share;
  readonly may: string;
  readonly onRevoke: () => void;
}

function Row({ share, may, onRevoke }: RowProps): JSX.Element {
  const { trans, locale } = useHost();
  const until = new Date(share.expires).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <li>
      <span className="jcs-Shares-may">{may}</span>
      <span className="jcs-quiet">{trans.__('until %1', until)}</span>
      <span className="jcs-spring" />
      <ConfirmButton
        icon={deleteIcon}
        label={trans.__('Take the link back')}
        confirmLabel={trans.__('Confirm: it stops working at once')}
        onConfirm={onRevoke}
      />
    </li>
  );
}
