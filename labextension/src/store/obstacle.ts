/**
 * What keeps a thread's wire from opening although the server is there: asked over plain HTTP, once it has been tried
 * in vain some times.
 */

/** No websocket comes through; the server has no chat; it does not let this person in. */
export type Obstacle = 'websockets' | 'extension' | 'login';

/** After so many attempts it is looked into. */
const ENOUGH = 3;

export class Lookout {
  private suspected: Obstacle | null = null;

  /** `look` asks the server; `again` has the wire try at once. */
  constructor(
    private readonly look: () => Promise<Obstacle | null>,
    private readonly again: () => void
  ) {}

  /**
   * The obstacle, after so many tries in vain; `null` where none is known. Two looks in a row must agree: a server that
   * has come back between two attempts answers, too, and nothing stands in its way.
   */
  async find(tries: number): Promise<Obstacle | null> {
    const found = tries < ENOUGH ? null : await this.look();
    const isSure = found === this.suspected;
    this.suspected = found;
    if (found !== null && !isSure) {
      this.again();
    }
    return isSure ? found : null;
  }
}
