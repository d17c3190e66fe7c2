/** What is to be known about a thread as a whole, above its composer: one line each, at most two at a time. */

import { closeIcon } from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';

import type { Approval } from '../protocol';
import { pathOf } from '../store/lines';
import type { Shown } from '../store/thread';
import { endOf } from '../store/turns';
import type { View } from '../store/view';
import type { ChatActions } from './Chat';
import { useHost } from './host';

export interface BannersProps {
  readonly shown: Shown;
  readonly actions: ChatActions;
}

export function Banners({ shown, actions }: BannersProps): JSX.Element {
  const { trans } = useHost();
  const { view, connection } = shown;
  const elsewhere = askedElsewhere(view);
  return (
    <div className="jcs-Banners" role="status">
      {view.closed && <Banner kind="error">{view.closed.message}</Banner>}
      {!view.closed && connection === 'closed' && (
        <Banner kind="error">{trans.__('The server does not have this chat.')}</Banner>
      )}
      {connection === 'connecting' && <Banner kind="late">{trans.__('Connecting…')}</Banner>}
      {connection === 'offline' && (
        <Banner kind="warning">
          {trans.__('The server cannot be reached. Trying again…')}{' '}
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
          {view.notice.message}
          <button
            type="button"
            className="jcs-IconButton"
            title={trans.__('Dismiss')}
            aria-label={trans.__('Dismiss')}
            onClick={actions.dismissNotice}
          >
            <closeIcon.react tag="span" />
          </button>
        </Banner>
      )}
    </div>
  );
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
