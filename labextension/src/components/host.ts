/**
 * What every component may use of the page it is shown in: words in the reader's language, renderers, addresses, the
 * clipboard, the notebook beside it.
 */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

import type { Place } from '../client/rest';
import type { ContextItem, Permission } from '../protocol';
import type { Source } from './source';

/** What a person has set. */
export interface Preferences {
  /** The keys that send a message; the other of the two begins a new line. */
  readonly sendKey: 'Enter' | 'Shift+Enter';
  /** Who answers in threads that name nobody; "" leaves it to the server. */
  readonly defaultModel: string;
  /** What tools may do without asking, by name; an administrator's rules come first. */
  readonly permissions: Readonly<Record<string, Permission>>;
}

export const DEFAULTS: Preferences = { sendKey: 'Enter', defaultModel: '', permissions: {} };

/** A thread by its id, with where it lives. */
export interface Named {
  readonly id: string;
  readonly place: Place;
}

/** Something of the notebook that can go along with a message. */
export interface Mention {
  readonly key: string;
  readonly label: string;
  /** What it begins with. */
  readonly detail: string;
  readonly item: ContextItem;
}

/** A variable of the notebook's kernel. What it holds is looked at when a message is sent along with it. */
export interface Variable {
  readonly name: string;
  /** Its type and size, and what it begins with. */
  readonly detail: string;
  readonly item: ContextItem;
}

/** The notebook someone works in, and the files of the server, as far as they can go along with a message. */
export interface NotebookContext {
  /** The active cell, what is selected in it, the last error: those that are there. */
  readonly mentions: () => readonly Mention[];
  /** A cell, as nbformat has it. */
  readonly cell: (json: unknown) => ContextItem;
  /** The variables of the notebook's kernel; none where it has none. */
  readonly variables: () => Promise<readonly Variable[]>;
  /** Names of the files in a folder below the server's root. */
  readonly filesIn: (folder: string) => Promise<readonly string[]>;
  /** The bytes of a file below the server's root. */
  readonly read: (path: string) => Promise<File>;
  /** A path without the name of the drive it is on. */
  readonly localPath: (path: string) => string;
}

export interface Host {
  readonly trans: TranslationBundle;
  readonly rendermime: IRenderMimeRegistry;
  /** An address the server gave, absolute. */
  readonly resolve: (url: string) => string;
  /** The reader's language, for dates and numbers; `undefined` is the browser's. */
  readonly locale: string | undefined;
  readonly preferences: Source<Preferences>;
  readonly copy: (text: string) => void;
  /** Has the page look again at what lies in the notebook's folder. */
  readonly refreshFolder: () => void;
  /** Opens a file by its path below the server's root; `null` where the page cannot. */
  readonly openFile: ((path: string) => void) | null;
  /** What can go along with a message; `null` where there are no notebooks. */
  readonly notebook: NotebookContext | null;
  /** Puts code into a new cell below the active one; `null` where there are no notebooks. */
  readonly insertBelow: ((code: string) => void) | null;
  /** The same above it. */
  readonly insertAbove: ((code: string) => void) | null;
  /** Puts code in place of the active cell's, once a person has seen what changes. */
  readonly replace: ((code: string) => void) | null;
  /** Shows what else can be done with a thread, below a button that stands at `below`; `null` where nothing can. */
  readonly openMenu: ((thread: Named, below: DOMRect) => void) | null;
}

const HostContext = createContext<Host | null>(null);

export const HostProvider = HostContext.Provider;

export function useHost(): Host {
  const host = useContext(HostContext);
  if (host === null) {
    throw new Error('A chat component needs a HostProvider above it.');
  }
  return host;
}
