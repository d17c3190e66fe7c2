/**
 * The page of a shared thread, for people without JupyterLab.
 *
 * The link's token stands after the `#`. It is traded for a cookie at once and taken out of the address; from then on
 * the page knows the share's id only, which is no secret.
 */

import { createRoot } from 'react-dom/client';

import { reasonOf, RestError } from '../client/refusal';
import { Thread } from '../store/thread';
import { visitorsHost } from './host';
import { enter, VisitorRest } from './rest';
import type { Visit } from './rest';
import { SharedChat } from './SharedChat';

/** Milliseconds between two tries to reach a server that does not answer. */
const PATIENCE = 3000;

const address = new URL(location.href);
/** `…/threads/<id>/`: the page is `shared` below it. */
const doors = new URL('.', address);
const root = createRoot(document.getElementById('chat') as HTMLElement);

/** Says one thing in the place of the chat. */
function say(words: string, kind: 'wait' | 'over' = 'over'): void {
  root.render(
    <p className="jcs-Share-word" role={kind === 'over' ? 'alert' : 'status'}>
      {words}
    </p>
  );
}

function reason(error: unknown): string {
  const code = error instanceof RestError ? error.code : '';
  switch (code) {
    case 'share_expired':
      return 'This link has expired. Ask whoever sent it for a new one.';
    case 'share_revoked':
      return 'This link was taken back by whoever made it.';
    case 'thread_deleted':
    case 'thread_not_found':
      return 'This chat has been deleted.';
    case 'unauthorized':
    case 'forbidden':
      return 'This link does not open a chat. It may not be whole: open it again from where you got it.';
    default:
      return reasonOf(error);
  }
}

function show(visit: Visit): void {
  const rest = new VisitorRest(doors, visit.share_id);
  const id = doors.pathname.split('/').at(-2) ?? '';
  const host = visitorsHost(url => rest.resolve(url));
  const asShare: { readonly folder?: string; readonly share: string } = { share: visit.share_id };
  const thread = new Thread(id, asShare, rest);
  let isChecking = false;
  /** The chat was lost: because it cannot be reached, or because the share has ended? */
  const check = async (): Promise<void> => {
    isChecking = true;
    try {
      await enter(doors, { share: visit.share_id });
    } catch (error) {
      if (error instanceof RestError && error.status >= 400 && error.status < 500) {
        stop();
        thread.close();
        say(reason(error));
      }
    } finally {
      isChecking = false;
    }
  };
  const stop = thread.subscribe(() => {
    const { connection, view } = thread.snapshot();
    document.title = view.thread?.title || 'Shared chat';
    if (view.closed && !view.closed.code.startsWith('share_')) {
      stop();
      say(reason(new RestError(404, view.closed.code, view.closed.message)));
    } else if ((connection === 'offline' || connection === 'closed') && !isChecking) {
      void check();
    }
  });
  root.render(<SharedChat host={host} thread={thread} visit={visit} />);
}

async function open(): Promise<void> {
  const token = address.hash.slice(1);
  const share = address.searchParams.get('share');
  if (!token && share === null) {
    say('This link is not whole: what follows the # is missing. Open it again from where you got it.');
    return;
  }
  for (;;) {
    try {
      const visit = await enter(doors, token ? { token } : { share: share ?? '' });
      history.replaceState(null, '', `${address.pathname}?share=${visit.share_id}`);
      show(visit);
      return;
    } catch (error) {
      if (!(error instanceof RestError) || (error.status > 0 && error.status < 500)) {
        say(reason(error));
        return;
      }
      say('The server cannot be reached. Trying again…', 'wait');
      await new Promise(resolve => setTimeout(resolve, PATIENCE));
    }
  }
}

// Another link pasted into this tab changes no more than what follows the #.
window.addEventListener('hashchange', () => location.reload());
void open();
