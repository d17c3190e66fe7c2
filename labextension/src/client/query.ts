/** What addresses say after their `?`. */

/** Where a thread lives: a notebook, or a folder, by its path below the server's root. */
export interface Place {
  readonly notebook?: string | null;
  readonly folder?: string | null;
}

export type Query = Readonly<Record<string, string | null | undefined>>;

/** `?a=b` of what is named in `query`; empty where nothing is. */
export function queryOf(query: Query | Place): string {
  const named = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const text = new URLSearchParams(named).toString();
  return text && `?${text}`;
}
