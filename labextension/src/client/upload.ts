/** A file on its way to a thread, piece by piece. Where the connection breaks, it goes on from what has come. */

import { RestError } from './refusal';

/** Bytes of a piece: what proxies let pass that were not told otherwise. */
export const PIECE = 1_000_000;

/** The longest pause before the server is tried again, in milliseconds. */
const LONGEST_PAUSE = 8000;

/** How much of a file the server has; `url` once it is whole. */
export interface Received {
  readonly path: string;
  readonly received: number;
  readonly url?: string;
}

/** The `Content-Range` of a piece; without one it only asks how much has come. */
export function rangeOf(start: number | null, piece: Blob | null, size: number): string {
  const range = start === null || piece === null ? '*' : `${start}-${start + piece.size - 1}`;
  return `bytes ${range}/${size}`;
}

/** Puts a piece that begins at `start`; `null` only asks how much has come. */
export type PutPiece = (start: number | null, piece: Blob | null, size: number) => Promise<Received>;

export interface UploadParts {
  readonly put: PutPiece;
  readonly onProgress: (come: number) => void;
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** Uploads a file. Rejects with the server's refusal; an unreachable server is waited for. */
export async function upload(file: Blob, parts: UploadParts): Promise<Received> {
  const { put, onProgress, signal, pause = wait } = parts;
  let start: number | null = 0;
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    const piece: Blob | null = start === null ? null : file.slice(start, start + PIECE);
    try {
      const answer = await put(start, piece, file.size);
      failures = 0;
      onProgress(answer.received);
      if (answer.received >= file.size) {
        return answer;
      }
      start = answer.received;
    } catch (error) {
      if (!isPassing(error)) {
        throw error;
      }
      await pause(Math.min(LONGEST_PAUSE, 500 * 2 ** failures++));
      start = null;
    }
  }
}

/** Whether it is worth asking what has come and going on: the server could not be reached, or lacks a piece. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof RestError &&
    (error.status === 0 || [429, 502, 503, 504].includes(error.status) || error.code === 'piece_missing')
  );
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
