/**
 * What is to be done before the page is drawn again, all of it in one go: one drawing shows it, and React renders it
 * once.
 */

/** What is to be done, each with its own request for a frame; the first that comes serves all. */
const due = new Map<() => void, number>();

/** Does it before the page is drawn again; at once where nobody sees the page. What is given back leaves it undone. */
export function beforeFrame(act: () => void): () => void {
  if (typeof requestAnimationFrame === 'undefined' || document.hidden) {
    act();
    return () => undefined;
  }
  due.set(act, requestAnimationFrame(run));
  return () => take(act);
}

/** The same, but not within so many milliseconds. */
export function beforeLaterFrame(wait: number, act: () => void): () => void {
  let leave = (): void => clearTimeout(timer);
  const timer = setTimeout(() => {
    leave = beforeFrame(act);
  }, wait);
  return () => leave();
}

function run(): void {
  for (const act of [...due.keys()]) {
    if (take(act)) {
      act();
    }
  }
}

/** Whether it still was to be done, which it is no longer. */
function take(act: () => void): boolean {
  cancelAnimationFrame(due.get(act) ?? 0);
  return due.delete(act);
}
