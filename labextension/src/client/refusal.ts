/** What a server's refusal says, and any other failure. */

/** A refusal by the server: `code` for programs, `message` for people. Status 0: it could not be reached. */
export class RestError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string
  ) {
    super(message);
    this.name = 'RestError';
  }
}

/** The refusal that an answer is. `text` is its body. */
export function refusal(response: Response, text: string): RestError {
  try {
    const { code, message } = JSON.parse(text) as { code?: string; message?: string };
    return new RestError(response.status, code ?? 'error', message ?? response.statusText);
  } catch {
    return new RestError(response.status, 'error', response.statusText || String(response.status));
  }
}

/** Why something failed, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
