/** What is to be known about a thread as a whole, above its composer: one line each, at most two at a time. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';

import type { Approval } from '../protocol';
import { pathOf } from '../store/lines';
import type { Obstacle } from '../store/obstacle';
import type { Shown } from '../store/thread';
import { endOf, restartIn } from '../store/turns';
import { TOO_LONG } from '../store/view';
import type { Refusal, View } from '../store/view';
import type { ChatActions } from './Chat';
import { useHost } from './host';
import { useSaid } from './useSaid';
import { IconButton } from './IconButton';

export interface BannersProps {
  readonly shown: Shown;
  readonly actions: ChatActions;
}

export function Banners({ shown, actions }: BannersProps): JSX.Element {
  const { trans } = useHost();
  const { view, connection } = shown;
  const [dismissed, dismiss] = useState<string | null>(null);
  const elsewhere = askedElsewhere(view);
  const said = useSaid(view);
  const restart = useMemo(() => restartIn(said), [said]);
  const isAsModel = view.agent !== null && view.agent.kind !== 'none';
  const reasons: Readonly<Record<string, string>> = {
    culled: trans.__('it had not been used for long'),
    timeout: trans.__('a call took too long'),
    cancelled: trans.__('a call had to be stopped'),
    crash: trans.__('the one before died'),
    user: trans.__('as was asked'),
    server_restart: trans.__('the server was restarted'),
    memory: trans.__('it used too much memory'),
    disk: trans.__('its folder held too much'),
    disk_full: trans.__('the disk was nearly full')
  };
  const why = (reason: string): string => reasons[reason] ?? trans.__('the one before has gone');
  const blocked: Readonly<Record<Obstacle, string>> = {
    websockets: trans.__(
      'The server answers, but no websocket to it opens; a proxy in between may let none through. Trying again…'
    ),
    extension: trans.__('This server has no chat: the extension is not running there. Trying again…'),
    login: trans.__('The server does not let you in any more. Load the page anew to log in.')
  };
  return (
    <div className="jcs-Banners" role="status">
      {view.closed && <Banner kind="error">{view.closed.message}</Banner>}
      {!view.closed && connection === 'closed' && (
        <Banner kind="error">{trans.__('The server does not have this chat.')}</Banner>
      )}
      {connection === 'connecting' && <Banner kind="late">{trans.__('Connecting…')}</Banner>}
      {connection === 'offline' && (
        <Banner kind="warning">
          {shown.obstacle
            ? blocked[shown.obstacle]
            : shown.tries > 0
              ? trans._n(
                  'The server cannot be reached. Tried %1 time, trying again…',
                  'The server cannot be reached. Tried %1 times, trying again…',
                  shown.tries
                )
              : trans.__('The server cannot be reached. Trying again…')}{' '}
          <button type="button" className="jcs-Link" onClick={actions.nudge}>
            {trans.__('Try now')}
          </button>
        </Banner>
      )}
      {view.thread && !view.thread.saved && (
        <Banner kind="warning">{trans.__('This chat is not saved: its folder cannot be written.')}</Banner>
      )}
      {view.thread?.read_only && (
        <Banner kind="info">{trans.__('A newer version wrote this chat; it can only be read here.')}</Banner>
      )}
      {isAsModel && view.level === 'unconfined' && view.runs.size === 0 && (
        <Banner kind="warning">
          {trans.__('Nothing confines this chat’s tools here: they can read and change whatever you can.')}
        </Banner>
      )}
      {restart && dismissed !== restart.key && (
        <Banner kind="info">
          {trans.__(
            'Python was started anew: %1. Earlier variables are gone, files remain.',
            why(restart.reason)
          )}
          <Dismiss onClick={() => dismiss(restart.key)} />
        </Banner>
      )}
      {elsewhere && (
        <Banner kind="warning">
          {trans.__('Another branch of this chat asks for your decision.')}{' '}
          <button type="button" className="jcs-Link" onClick={() => actions.look(elsewhere.run_id)}>
            {trans.__('Show it')}
          </button>
        </Banner>
      )}
      {view.notice && (
        <Banner kind="warning">
          {wordsOf(view.notice, trans)}
          <Dismiss onClick={actions.dismissNotice} />
        </Banner>
      )}
    </div>
  );
}

/** What a refusal says; what this page refuses by itself, in the reader's language. */
export function wordsOf({ code, message }: Refusal, trans: TranslationBundle): string {
  return code === TOO_LONG
    ? trans.__('This is too long to be sent as a message. Attach the long part as a file instead.')
    : message;
}

function Dismiss({ onClick }: { readonly onClick: () => void }): JSX.Element {
  const { trans } = useHost();
  return <IconButton icon={closeIcon} label={trans.__('Dismiss')} onClick={onClick} />;
}

/** `late`: shown only once it has lasted a moment. */
function Banner({
  kind,
  children
}: {
  kind: 'info' | 'late' | 'warning' | 'error';
  children: ReactNode;
}): JSX.Element {
  return <div className={`jcs-Banner jcs-mod-${kind}`}>{children}</div>;
}

/** What is asked by a run that is not on screen; `null` where nothing is. */
function askedElsewhere(view: View): Approval | null {
  const asked = view.approvals.filter(each => view.runs.has(each.run_id));
  if (asked.length === 0) {
    return null;
  }
  const path = new Set(pathOf(view.runs, endOf(view)).map(run => run.run_id));
  return asked.find(each => !path.has(each.run_id)) ?? null;
}
