/** What jsdom lacks of a browser and JupyterLab's packages ask for as they are loaded. */

class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

Object.assign(globalThis, { DragEvent: class extends MouseEvent {}, ResizeObserver: Observer });
// Nothing is laid out: what scrolls is taken to be tall and its rows low, so that a virtual list shows them.
const isScroller = (node: HTMLElement): boolean => node.classList.contains('jcs-Log-scroller');
const height = {
  get(this: HTMLElement): number {
    return isScroller(this) ? 800 : 40;
  }
};
Object.defineProperties(HTMLElement.prototype, { offsetHeight: height, clientHeight: height });
const media = { matches: false, addListener() {}, removeListener() {} };
window.matchMedia ??= () => Object.assign(new EventTarget(), media) as never;
window.requestIdleCallback ??= act => Number(setTimeout(act));
CSSStyleSheet.prototype.replaceSync ??= () => undefined;
