/** What a visitor's page asks of the server: everything below the shared thread's own address, as that share. */

import type { Rest, StoredFile } from '../client/rest';
import { queryOf } from '../client/query';
import { reasonOf, refusal, RestError } from '../client/refusal';
import { rangeOf } from '../client/upload';
import type { Received } from '../client/upload';
import type { Page } from '../store/lines';
import type { ThreadRest } from '../store/thread';

/** What a visitor may do; each has what those before it have. */
export type Rights = 'read' | 'send' | 'approve';

/** Who a visitor is, as long as the share holds. */
export interface Visit {
  readonly share_id: string;
  readonly rights: Rights;
  readonly expires: string;
}

export class VisitorRest implements ThreadRest {
  /** `thread`: the address of the thread's doors, with a slash at its end. */
  constructor(
    private readonly thread: URL,
    private readonly share: string
  ) {}

  liveUrl(): string {
    const url = new URL('live', this.thread);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
  }

  /** Whether the link still holds is asked by the page itself. */
  async obstacle(): Promise<null> {
    return null;
  }

  messagesBefore(_threadId: string, before: number): Promise<Page> {
    return ask(new URL(`messages${this.query({ before: String(before), limit: '50' })}`, this.thread));
  }

  async files(): Promise<readonly StoredFile[]> {
    const answer = await ask<{ files: readonly StoredFile[] }>(
      new URL(`files${this.query({})}`, this.thread)
    );
    return answer.files;
  }

  putFile(_threadId: string, path: string, file: Blob): Promise<Received> {
    return this.put(path, file);
  }

  putPiece(
    _threadId: string,
    path: string,
    { start, piece, size }: Parameters<Rest['putPiece']>[2]
  ): Promise<Received> {
    return this.put(path, piece, { 'Content-Range': rangeOf(start, piece, size) });
  }

  private put(
    path: string,
    body: Blob | null,
    headers: Readonly<Record<string, string>> = {}
  ): Promise<Received> {
    const address = `files/${path.split('/').map(encodeURIComponent).join('/')}${this.query({})}`;
    return ask(new URL(address, this.thread), {
      method: 'PUT',
      body,
      headers: { 'Content-Type': 'application/octet-stream', ...headers }
    });
  }

  // What is not for visitors: the page offers none of it.
  readonly saveOut = refused;
  readonly letRead = refused;
  readonly restartKernel = refused;
  readonly models = refused;
  readonly holdKey = refused;
  readonly forgetKey = refused;
  readonly requests = refused;
  readonly copyIn = refused;
  readonly commands = refused;

  /** An address of a file as the server gave it, asked for as this share. */
  resolve(url: string): string {
    const file = new URL(url, this.thread);
    file.searchParams.set('share', this.share);
    return file.href;
  }

  private query(more: Readonly<Record<string, string>>): string {
    return queryOf({ share: this.share, ...more });
  }
}

function refused(): Promise<never> {
  return Promise.reject(new RestError(403, 'forbidden', 'This is not for visitors.'));
}

/** Trades a link's token, or what this browser keeps of it, for a visit. */
export function enter(
  thread: URL,
  by: { readonly token: string } | { readonly share: string }
): Promise<Visit> {
  return ask(new URL('shared', thread), { method: 'POST', body: JSON.stringify(by) });
}

async function ask<T>(url: URL, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, referrerPolicy: 'no-referrer', credentials: 'same-origin' });
  } catch (error) {
    throw new RestError(0, 'unreachable', reasonOf(error));
  }
  const text = await response.text();
  if (!response.ok) {
    throw refusal(response, text);
  }
  return JSON.parse(text) as T;
}
