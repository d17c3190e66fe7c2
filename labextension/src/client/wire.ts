/**
 * One websocket for one thread: to connect is to subscribe.
 *
 * It never gives up (but for an address that is refused), asks to continue after the last line heard, and sends again
 * what was not acknowledged; the frames' ids make that harmless.
 */

import ReconnectingWebSocket from 'partysocket/ws';

import { chance } from '../ids';
import { CLOSED_FOR_GOOD } from '../protocol';
import type { ClientFrame, ServerFrame } from '../protocol';

/** `connecting`: the first time; `live`: the hello has come; `offline`: lost and trying; `closed`: for good. */
export type Connection = 'connecting' | 'live' | 'offline' | 'closed';

/** How a thread speaks with whoever keeps it. */
export interface Wire {
  send(frame: ClientFrame): void;
  /** Tries at once instead of waiting for the next attempt. */
  nudge(): void;
  close(): void;
}

export interface Hearer {
  /** The number of the last line heard. */
  readonly after: () => number;
  readonly onFrame: (frame: ServerFrame) => void;
  /** `tries`: attempts in vain since the server was lost. */
  readonly onConnection: (connection: Connection, tries: number) => void;
  /** A frame is longer than the server takes: it is not sent, or not again. */
  readonly onTooLong: (frame: ClientFrame) => void;
}

/** Milliseconds before attempt number `attempt` (0 is the first): doubling up to `CAP`, half of it left to chance. */
export function delayBefore(attempt: number, random: number): number {
  const delay = attempt === 0 ? 0 : Math.min(CAP, 500 * 2 ** Math.min(attempt - 1, 16));
  return delay / 2 + (delay / 2) * random;
}

/**
 * The number of the next attempt, once a connection has broken that was greeted `livedMs` ago. One that held forgets
 * what went before it; one that breaks at once, time and again, is tried less and less often.
 */
export function attemptAfter(attempt: number, livedMs: number): number {
  return livedMs >= STEADY ? 1 : Math.max(attempt, 1);
}

/** The longest wait between two attempts, in milliseconds. */
export const CAP = 20_000;

/** A connection that held this long, in milliseconds, was a good one. */
const STEADY = 5_000;

/** A socket is given this long to open, in milliseconds. */
const OPENING = 15_000;

/** A socket is closed with this where a frame was longer than the server, or what stands before it, takes. */
const TOO_LONG = 1009;

/** How long, in milliseconds, before a socket is taken for dead. */
export interface Patience {
  /** A frame is given this long to be acknowledged. */
  readonly answer: number;
  /** This long nothing is heard, though the server's heartbeat comes every 10 s. */
  readonly silence: number;
  /** The same where the page was away, asleep perhaps: one heartbeat is enough to tell. */
  readonly absence: number;
}

const PATIENCE: Patience = { answer: 10_000, silence: 25_000, absence: 12_000 };

/** Opens a wire. `url` is asked for the socket's address at each attempt. */
export function openWire(
  url: (after: number) => string,
  hearer: Hearer,
  patience: Patience = PATIENCE
): Wire {
  const unacknowledged = new Map<string, ClientFrame>();
  let attempt = 0;
  let tries = 0;
  let isGreeted = false;
  let greeted = 0;
  let heard = 0;
  let most = Infinity;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let wake: () => void = () => undefined;

  const address = async (): Promise<string> => {
    const pause = delayBefore(attempt++, chance());
    if (pause > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, pause);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return url(hearer.after());
  };

  const socket = new ReconnectingWebSocket(address, null, {
    connectionTimeout: OPENING,
    minReconnectionDelay: 0, // The pause is in `address`, where it can be cut short.
    shouldReconnectOnClose: event => !CLOSED_FOR_GOOD.includes(event.code)
  });

  // A socket whose other end has vanished looks open for hours, and pages do not see pings: silence tells.
  const listen = (): void => {
    heard = Date.now();
    clearTimeout(silence);
    silence = setTimeout(reopen, patience.silence);
  };
  socket.addEventListener('open', listen);

  socket.addEventListener('message', ({ data }) => {
    listen();
    const frame = parsed(data);
    if (frame === null || frame.kind === 'heartbeat') {
      return;
    }
    if (frame.kind === 'ack' || frame.kind === 'nack') {
      unacknowledged.delete(frame.id ?? '');
    }
    hearer.onFrame(frame);
    if (frame.kind === 'hello') {
      tries = 0;
      greeted = Date.now();
      isGreeted = true;
      most = Math.min(most, frame.most_bytes ?? Infinity);
      hearer.onConnection('live', 0);
      [...unacknowledged.values()].forEach(post);
    }
  });

  /** Sends a frame, unless the server would break the connection over it. */
  const post = (frame: ClientFrame): void => {
    const text = JSON.stringify(frame);
    if (bytesOf(text) > most) {
      giveUp(frame);
    } else {
      socket.send(text);
    }
  };
  const giveUp = (frame: ClientFrame): void => {
    unacknowledged.delete(frame.id);
    hearer.onTooLong(frame);
  };

  socket.addEventListener('close', event => {
    tries = isGreeted ? 0 : tries + 1;
    if (event.code === TOO_LONG) {
      const sizes = [...unacknowledged.values()].map(frame => ({
        frame,
        size: bytesOf(JSON.stringify(frame))
      }));
      const [longest] = sizes.sort((one, other) => other.size - one.size);
      if (longest) {
        most = Math.min(most, longest.size - 1);
        giveUp(longest.frame);
      }
    }
    const isOver = CLOSED_FOR_GOOD.includes(event.code);
    const wasLive = isGreeted;
    isGreeted = false;
    clearTimeout(silence);
    if (wasLive) {
      attempt = attemptAfter(attempt, Date.now() - greeted);
    }
    if (isOver) {
      stopListening();
      hearer.onConnection('closed', 0);
    } else if (wasLive || attempt > 1) {
      hearer.onConnection('offline', tries);
    }
  });

  const nudge = (): void => {
    attempt = Math.min(attempt, 1);
    wake();
  };
  const reopen = (): void => {
    socket.reconnect();
    attempt = 0; // after the socket's end, which counts as a lost one
    wake();
  };
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') {
      (isGreeted && Date.now() - heard > patience.absence ? reopen : nudge)();
    }
  };
  // After a change of network an open socket may be dead without knowing it; to join again costs one small frame.
  window.addEventListener('online', reopen);
  document.addEventListener('visibilitychange', onVisible);
  const stopListening = (): void => {
    clearTimeout(silence);
    window.removeEventListener('online', reopen);
    document.removeEventListener('visibilitychange', onVisible);
  };

  return {
    send: frame => {
      unacknowledged.set(frame.id, frame);
      if (isGreeted && socket.readyState === ReconnectingWebSocket.OPEN) {
        post(frame);
        setTimeout(() => isGreeted && unacknowledged.has(frame.id) && reopen(), patience.answer);
      }
    },
    nudge,
    close: () => {
      stopListening();
      socket.close();
      wake();
    }
  };
}

function bytesOf(text: string): number {
  return new Blob([text]).size;
}

function parsed(data: unknown): ServerFrame | null {
  try {
    return JSON.parse(String(data)) as ServerFrame;
  } catch {
    return null;
  }
}
