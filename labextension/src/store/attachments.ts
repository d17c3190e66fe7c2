/** What goes along with a thread's next message, and the files that are on their way to it. */

import type { Place, Rest } from '../client/rest';
import { reasonOf, RestError } from '../client/refusal';
import { upload } from '../client/upload';
import { newId } from '../ids';
import type { ContextItem } from '../protocol';
import { changedAlong, uploadPath } from './along';
import type { Along, AlongChange } from './along';

/** What attaching asks of the server. */
export type AttachmentRest = Pick<Rest, 'putFile' | 'putPiece' | 'copyIn'>;

/** Takes what is to go along; `id` is what it is known by from then on. */
export interface Attaching {
  add(label: string, item: ContextItem, id?: string): void;
  upload(file: File, id?: string): void;
  copyIn(path: string, id?: string): void;
  refuse(label: string, refusal: string, id?: string): void;
  remove(id: string): void;
  retry(id: string): void;
}

export class Attachments implements Attaching {
  private readonly stops = new Map<string, AbortController>();
  private readonly attempts = new Map<string, () => void>();

  /** `onChange` is told of every new list. */
  constructor(
    private readonly threadId: string,
    private readonly place: Place,
    private readonly rest: AttachmentRest,
    private list: readonly Along[],
    private readonly onChange: (list: readonly Along[]) => void,
    private readonly onArrived: () => void
  ) {}

  get value(): readonly Along[] {
    return this.list;
  }

  /** Sends something along. */
  add(label: string, item: ContextItem, id = newId()): void {
    this.change({ kind: 'item', id, label, item });
  }

  /** Uploads a file and sends it along. */
  upload(file: File, id = newId()): void {
    const path = uploadPath(id, file.name);
    this.begin(id, file.name || path, file.size, async signal => {
      if (file.size === 0) {
        await this.rest.putFile(this.threadId, path, file, this.place);
        return path;
      }
      const put = (start: number | null, piece: Blob | null, size: number): ReturnType<Rest['putPiece']> =>
        this.rest.putPiece(this.threadId, path, { start, piece, size }, this.place);
      const onProgress = (come: number): void => this.change({ kind: 'progress', id, come });
      return (await upload(file, { put, onProgress, signal })).path;
    });
  }

  /** Copies a file below the notebook's folder into the thread and sends it along. */
  copyIn(path: string, id = newId()): void {
    const name = path.split('/').pop() ?? path;
    this.begin(id, path, 0, async () => {
      try {
        return (await this.rest.copyIn(this.threadId, path, this.place)).path;
      } catch (error) {
        if (!(error instanceof RestError && error.code === 'file_exists')) {
          throw error;
        }
        // The thread has a file of that name, which may be another by now: it stays, and this one comes beside it.
        return (await this.rest.copyIn(this.threadId, path, this.place, uploadPath(id, name))).path;
      }
    });
  }

  /** Says that a file cannot come. */
  refuse(label: string, refusal: string, id = newId()): void {
    this.change({ kind: 'coming', id, label, size: 0 });
    this.change({ kind: 'failed', id, refusal });
  }

  remove(id: string): void {
    this.stops.get(id)?.abort();
    this.forget(id);
    this.change({ kind: 'removed', id });
  }

  /** Tries again to bring a file that failed. */
  retry(id: string): void {
    this.change({ kind: 'again', id });
    this.attempts.get(id)?.();
  }

  /** Takes all that is there, for a message; what failed or is still coming stays. */
  take(): readonly Along[] {
    const ready = this.list.filter(each => each.item !== null);
    ready.forEach(each => this.forget(each.id));
    this.list = this.list.filter(each => each.item === null);
    this.onChange(this.list);
    return ready;
  }

  /** Puts what was taken back, before what has come since. */
  giveBack(taken: readonly Along[]): void {
    this.list = [...taken, ...this.list];
    this.onChange(this.list);
  }

  /** Ends what is on its way. */
  close(): void {
    this.stops.forEach(stop => stop.abort());
  }

  private begin(
    id: string,
    label: string,
    size: number,
    bring: (signal: AbortSignal) => Promise<string>
  ): void {
    const attempt = (): void => {
      const stop = new AbortController();
      this.stops.set(id, stop);
      bring(stop.signal).then(
        path => {
          this.change({ kind: 'arrived', id, item: { type: 'file', path } });
          this.onArrived();
        },
        error => {
          if (!stop.signal.aborted) {
            const refusal = reasonOf(error);
            this.change({ kind: 'failed', id, refusal });
          }
        }
      );
    };
    this.attempts.set(id, attempt);
    this.change({ kind: 'coming', id, label, size });
    attempt();
  }

  private forget(id: string): void {
    this.stops.delete(id);
    this.attempts.delete(id);
  }

  private change(change: AlongChange): void {
    this.list = changedAlong(this.list, change);
    this.onChange(this.list);
  }
}
