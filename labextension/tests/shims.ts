/** What jsdom lacks of a browser and JupyterLab's packages ask for as they are loaded. */

class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

Object.assign(globalThis, { DragEvent: class extends MouseEvent {}, ResizeObserver: Observer });
window.matchMedia ??= () => ({ matches: false, addEventListener() {}, removeEventListener() {} }) as never;
CSSStyleSheet.prototype.replaceSync ??= () => undefined;
