/** What a tool call asks for, read from its JSON even while that is still being written. */

export interface Arguments {
  /** The code or command in it, with its language; `null` where there is none. */
  readonly code: { readonly text: string; readonly language: string } | null;
  /** The other arguments, as text; empty where there are none. */
  readonly others: string;
}

/** Arguments that hold code, and its language. */
const CODE: Readonly<Record<string, string>> = { code: 'python', command: 'bash', sql: 'sql' };

/** The argument that holds code, and its language; `null` where none does. */
export function codeKeyOf(args: Readonly<Record<string, unknown>>): { key: string; language: string } | null {
  const key = Object.keys(CODE).find(each => typeof args[each] === 'string');
  return key === undefined ? null : { key, language: CODE[key] };
}

/** `run_python` as "Run Python". */
export function titleOf(tool: string): string {
  const words = tool
    .replace(/[_-]+/g, ' ')
    .replace(/\bpython\b/, 'Python')
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function argumentsOf(json: string): Arguments {
  const whole = parsed(json);
  if (whole === null) {
    return { code: begun(json), others: '' };
  }
  const code = codeKeyOf(whole);
  const others = Object.entries(whole)
    .filter(([each]) => each !== code?.key)
    .map(([each, value]) => `${each}: ${wordsOf(value)}`)
    .join('\n');
  return { code: code && { text: whole[code.key] as string, language: code.language }, others };
}

/** Texts as they are, lists of texts as lists; what else there is as JSON. */
function wordsOf(value: unknown): string {
  if (Array.isArray(value) && value.every(each => typeof each === 'string')) {
    return value.join(', ');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json || '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const BEGUN = /^\s*\{\s*"(code|command|sql)"\s*:\s*"((?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)/;

/** The code in arguments that are not whole yet. */
function begun(json: string): Arguments['code'] {
  const match = BEGUN.exec(json);
  if (!match) {
    return null;
  }
  return { text: JSON.parse(`"${match[2]}"`) as string, language: CODE[match[1]] };
}
