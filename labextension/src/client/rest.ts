/**
 * The server's REST doors, as far as the front end uses them.
 *
 * Urls of files come ready-made from the server and are only resolved against its address, never built here.
 */

import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Artifact, ThreadInfo } from '../protocol';
import type { Page } from '../store/lines';
import type { Obstacle } from '../store/obstacle';
import { queryOf } from './query';
import type { Place, Query } from './query';
import { reasonOf, refusal, RestError } from './refusal';
import { rangeOf } from './upload';
import type { Received } from './upload';

export { queryOf, RestError };
export type { Place };

/** A thread as the list shows it. */
export interface ThreadRow {
  readonly thread_id: string;
  readonly title: string;
  readonly created: string;
  readonly updated: string;
  readonly message_count: number;
  readonly preview: string;
  /** The notebook's file name beside the folder's chats; `null` for a thread of the folder. */
  readonly notebook: string | null;
  readonly folder: string;
  /** The door for programs by which it was begun; `null` where a person did. */
  readonly origin?: string | null;
  readonly running: boolean;
  /** Whether its Python is alive. */
  readonly kernel?: boolean;
}

/** A deleted thread that can be taken back. */
export interface DeletedRow extends Pick<
  ThreadRow,
  'thread_id' | 'title' | 'preview' | 'notebook' | 'folder'
> {
  /** When it was deleted, ISO 8601. */
  readonly deleted: string;
}

/** What a thread is exported as: Markdown to read, a notebook to run, JSON for programs. */
export type ExportFormat = 'md' | 'ipynb' | 'json';

export interface StoredFile extends Artifact {
  readonly modified: string;
}

/** Someone who can answer, and why it is offered. `trusted` is false for a server that may be another user's. */
export interface Offer {
  readonly id: string;
  readonly label: string;
  readonly why: 'setting' | 'environment' | 'key' | 'found' | 'installed' | 'always';
  readonly trusted: boolean;
}

/** A provider with where its key comes from; `install` says what its models need first. */
export interface KeyPlace {
  readonly name: string;
  readonly title: string;
  readonly set: boolean;
  readonly source: 'memory' | 'keyring' | 'environment' | 'file' | 'command' | null;
  readonly needs_key: boolean;
  readonly variable: string;
  readonly model: string;
  readonly install: string;
}

/** What can answer, who does where nobody is named, and which keys there are. */
export interface ModelList {
  readonly models: readonly Offer[];
  readonly default: { readonly id: string; readonly label: string; readonly why: string };
  readonly providers: readonly KeyPlace[];
}

/** What can be typed after `/`; `direct` ones mean something only where no model answers. */
export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  readonly heard_by: 'all' | 'direct';
}

/** What a notebook's kernel has in memory under a name; `size` is blank where it has none. */
export interface KernelVariable {
  readonly name: string;
  readonly type: string;
  readonly size: string;
  readonly preview: string;
}

/** What was sent to a provider in one step; `sent` in seconds since 1970. */
export interface SentRequest {
  readonly sent: number;
  readonly body: {
    readonly model: string;
    readonly messages: readonly SentMessage[];
    readonly tools?: readonly unknown[];
  };
}

export interface SentMessage {
  readonly role: string;
  readonly content: unknown;
}

/** What a share lets people do; each has what those before it have. */
export type ShareRights = 'read' | 'send' | 'approve';

/** A link to a thread, as its owner sees it. */
export interface Share {
  readonly share_id: string;
  readonly rights: ShareRights;
  readonly created: string;
  readonly expires: string;
}

/** The path of a row's notebook below the server's root; `null` where it has none. */
export function notebookOf({ folder, notebook }: Pick<ThreadRow, 'folder' | 'notebook'>): string | null {
  return notebook === null ? null : URLExt.join(folder, notebook);
}

/** Where a row's thread lives. */
export function placeOf(row: Pick<ThreadRow, 'folder' | 'notebook'>): Place {
  const notebook = notebookOf(row);
  return notebook === null ? { folder: row.folder } : { notebook };
}

export class Rest {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  /** What keeps websockets from this server, though it answers; `null` where it does not, or is not ready. */
  async obstacle(): Promise<Obstacle | null> {
    try {
      await this.ask('GET', 'health', {});
      return 'websockets';
    } catch (error) {
      const status = error instanceof RestError ? error.status : 0;
      const isThere = status === 404 && (await this.answers());
      return status === 401 || status === 403 ? 'login' : isThere ? 'extension' : null;
    }
  }

  /** Whether a Jupyter server is there, with a chat or without. */
  private async answers(): Promise<boolean> {
    try {
      const url = URLExt.join(this.settings.baseUrl, 'api');
      return (await ServerConnection.makeRequest(url, {}, this.settings)).ok;
    } catch {
      return false;
    }
  }

  /** The threads of a place, or of every folder the server has seen, newest first. */
  async list(place: Place = {}, limit = 200): Promise<readonly ThreadRow[]> {
    const answer = await this.ask<{ threads: readonly ThreadRow[] }>('GET', 'threads', {
      ...place,
      limit: String(limit)
    });
    return answer.threads;
  }

  /** The notebook's current thread, made if there is none. */
  current(notebook: string): Promise<ThreadInfo> {
    return this.ask('POST', 'threads', {}, { notebook, current: true });
  }

  rename(threadId: string, title: string, place: Place = {}): Promise<ThreadInfo> {
    return this.ask('PATCH', `threads/${threadId}`, place, { title });
  }

  delete(threadId: string, place: Place = {}): Promise<void> {
    return this.ask('DELETE', `threads/${threadId}`, place);
  }

  /** The deleted threads that can be taken back, the latest deletion first. */
  async deleted(): Promise<readonly DeletedRow[]> {
    return (await this.ask<{ threads: readonly DeletedRow[] }>('GET', 'deleted', {})).threads;
  }

  restore(threadId: string, place: Place = {}): Promise<ThreadInfo> {
    return this.ask('POST', `threads/${threadId}/restore`, place, {});
  }

  /** A page of messages older than line `before`; the newest page where that is 0. */
  messagesBefore(threadId: string, before: number, place: Place = {}): Promise<Page> {
    const older = before > 0 ? { before: String(before) } : {};
    return this.ask('GET', `threads/${threadId}/messages`, { ...place, ...older, limit: '50' });
  }

  /** Makes a thread of a chat that another program has saved; its earlier one, where it was imported before. */
  importChat(name: string, content: Blob | string, place: Place = {}): Promise<ThreadInfo> {
    return this.request('imports', { name, folder: place.folder }, { method: 'POST', body: content });
  }

  /** Stops what runs and what waits. */
  async cancel(threadId: string, place: Place = {}): Promise<void> {
    await this.ask('POST', `threads/${threadId}/cancel`, place, {});
  }

  /** The address of a thread as a file. */
  exportUrl(threadId: string, format: ExportFormat, place: Place = {}): string {
    const path = URLExt.join('chat-sessions', 'threads', threadId, 'export');
    return this.resolve(URLExt.join(this.settings.baseUrl, path) + queryOf({ ...place, format }));
  }

  async files(threadId: string, place: Place = {}): Promise<readonly StoredFile[]> {
    const answer = await this.ask<{ files: readonly StoredFile[] }>(
      'GET',
      `threads/${threadId}/files`,
      place
    );
    return answer.files;
  }

  /** Copies a file of the thread into the notebook's folder, over nothing; the path it has there. */
  async saveOut(threadId: string, path: string, place: Place = {}): Promise<string> {
    const answer = await this.ask<{ path: string }>('POST', `threads/${threadId}/save`, place, { path });
    return answer.path;
  }

  /** Lets a thread's tools read the notebook's folder, or no longer. */
  letRead(threadId: string, isLet: boolean, place: Place = {}): Promise<void> {
    return this.ask('PUT', `threads/${threadId}/consent`, place, { notebook_folder: isLet });
  }

  /** Ends the thread's Python; its next call gets a fresh one. */
  restartKernel(threadId: string, place: Place = {}): Promise<void> {
    return this.ask('POST', `threads/${threadId}/kernel/restart`, place, {});
  }

  /** Copies a file below the notebook's folder into the thread's, under its own path there unless `name` is given. */
  copyIn(threadId: string, path: string, place: Place = {}, name?: string): Promise<Artifact> {
    return this.ask('POST', `threads/${threadId}/import`, place, { path, ...(name && { name }) });
  }

  /** Puts a new file whole. */
  putFile(threadId: string, path: string, file: Blob, place: Place = {}): Promise<Received> {
    return this.put(threadId, path, file, place);
  }

  /** Puts a piece of a new file of `size` bytes; without one it only asks how much has come. */
  putPiece(
    threadId: string,
    path: string,
    {
      start,
      piece,
      size
    }: { readonly start: number | null; readonly piece: Blob | null; readonly size: number },
    place: Place = {}
  ): Promise<Received> {
    return this.put(threadId, path, piece, place, { 'Content-Range': rangeOf(start, piece, size) });
  }

  /** What can be typed after `/`. Asked for once. */
  async commands(): Promise<readonly Command[]> {
    this.known ??= await this.ask<{ commands: readonly Command[] }>('GET', 'commands');
    return this.known.commands;
  }

  private known: { readonly commands: readonly Command[] } | undefined;

  private put(
    threadId: string,
    path: string,
    body: Blob | null,
    place: Place,
    headers: Readonly<Record<string, string>> = {}
  ): Promise<Received> {
    const address = `threads/${threadId}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
    return this.request(address, place, {
      method: 'PUT',
      body,
      headers: { 'Content-Type': 'application/octet-stream', ...headers }
    });
  }

  /** The variables of a notebook's kernel. */
  async variables(notebook: string): Promise<readonly KernelVariable[]> {
    const answer = await this.ask<{ variables: readonly KernelVariable[] }>('GET', 'variables', { notebook });
    return answer.variables;
  }

  models(): Promise<ModelList> {
    return this.ask('GET', 'models');
  }

  /** Gives the server a provider's key; it is held there and never comes back. */
  async holdKey(provider: string, key: string): Promise<void> {
    await this.ask('PUT', `keys/${provider}`, {}, { key });
  }

  async forgetKey(provider: string): Promise<void> {
    await this.ask('DELETE', `keys/${provider}`);
  }

  /** What was sent to a provider in a run, as far as the server still has it. */
  async requests(threadId: string, runId: string, place: Place = {}): Promise<readonly SentRequest[]> {
    const answer = await this.ask<{ requests: readonly SentRequest[] }>(
      'GET',
      `threads/${threadId}/runs/${runId}/requests`,
      place
    );
    return answer.requests;
  }

  /** The shares that open a thread. */
  async shares(threadId: string, place: Place = {}): Promise<readonly Share[]> {
    const answer = await this.ask<{ shares: readonly Share[] }>('GET', `threads/${threadId}/shares`, place);
    return answer.shares;
  }

  /** Makes a share; `url` is its link, told this once. */
  share(
    threadId: string,
    rights: ShareRights,
    lastsSeconds: number,
    place: Place = {}
  ): Promise<Share & { readonly url: string }> {
    return this.ask('POST', `threads/${threadId}/shares`, place, { rights, expires_in: lastsSeconds });
  }

  /** Takes a share back. */
  unshare(threadId: string, shareId: string, place: Place = {}): Promise<void> {
    return this.ask('DELETE', `threads/${threadId}/shares/${shareId}`, place);
  }

  /** The address of a thread's socket, without its query. */
  liveUrl(threadId: string): string {
    return URLExt.join(this.settings.wsUrl, 'chat-sessions', 'threads', threadId, 'live');
  }

  /** An address from the server, absolute. */
  resolve(url: string): string {
    return new URL(url, new URL(this.settings.baseUrl, PageConfig.getBaseUrl())).href;
  }

  private ask<T>(method: string, path: string, query: Query | Place = {}, body?: unknown): Promise<T> {
    return this.request(path, query, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  }

  private async request<T>(path: string, query: Query | Place, init: RequestInit): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'chat-sessions', path) + queryOf(query);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      throw new RestError(0, 'unreachable', reasonOf(error));
    }
    const text = await response.text();
    if (!response.ok) {
      throw refusal(response, text);
    }
    return (text ? JSON.parse(text) : undefined) as T;
  }
}
