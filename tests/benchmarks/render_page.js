/**
 * What measures inside the page, and the plain way of showing the same: every message whole by JupyterLab's renderer,
 * all of them in the page, a growing answer rendered whole again at each frame in which it grew.
 */
(() => {
  /** So many milliseconds without a change, a shift or a long task mean that a page has settled. */
  const QUIET = 250;
  /** After so many milliseconds it is not waited for any longer. */
  const PATIENCE = 120_000;
  const nodes = () => document.querySelectorAll('.jcs-Main *, .m13-whole *').length;
  const nextFrame = () => new Promise(requestAnimationFrame);
  const isInView = node => {
    const { top, bottom, height } = node.getBoundingClientRect();
    return height > 0 && top < innerHeight && bottom > 0;
  };

  /** Notes long tasks, and the last moment at which anything happened. */
  function follow() {
    const seen = { last: performance.now(), longTasks: [] };
    const stir = at => (seen.last = Math.max(seen.last, at));
    const tasks = new PerformanceObserver(list => {
      for (const { entryType, startTime, duration } of list.getEntries()) {
        stir(startTime + duration);
        if (entryType === 'longtask') {
          seen.longTasks.push(duration);
        }
      }
    });
    tasks.observe({ entryTypes: ['longtask', 'layout-shift'] });
    const changes = new MutationObserver(() => stir(performance.now()));
    const attributeFilter = ['style', 'class', 'hidden'];
    changes.observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter });
    seen.stop = () => {
      tasks.disconnect();
      changes.disconnect();
    };
    return seen;
  }

  /** Opens something, and waits until `last()`, the node of its last message, is in view and all is quiet. */
  async function opening(open, last) {
    const began = performance.now();
    const seen = follow();
    open();
    let painted = 0;
    for (;;) {
      await nextFrame();
      const now = performance.now();
      if (painted === 0) {
        const node = last();
        if (node && isInView(node)) {
          await nextFrame();
          painted = performance.now();
        }
      } else if (now - Math.max(painted, seen.last) >= QUIET) {
        break;
      }
      if (now - began > PATIENCE) {
        return { painted: painted ? painted - began : PATIENCE, settled: PATIENCE, nodes: nodes() };
      }
    }
    seen.stop();
    return {
      painted: painted - began,
      settled: Math.max(painted, seen.last) - began,
      nodes: nodes()
    };
  }

  /** Records frames until it is told to stop. */
  function record() {
    const seen = follow();
    const times = [];
    let handle = requestAnimationFrame(function tick(now) {
      times.push(now);
      handle = requestAnimationFrame(tick);
    });
    return () => {
      cancelAnimationFrame(handle);
      seen.stop();
      const frames = times.slice(1).map((time, index) => time - times[index]);
      return { frames, seconds: (times.at(-1) - times[0]) / 1000, longTasks: seen.longTasks };
    };
  }

  const app = () => window.jupyterapp;
  const main = () => [...app().shell.widgets('main')];

  const lastOf = (selector, threadId) =>
    [...document.querySelectorAll(selector)].findLast(each => each.textContent.includes(`END ${threadId}`));

  /** Ours: threads in the main area. */
  const ours = {
    open: (threadId, notebook) =>
      opening(
        () => void app().commands.execute('jupyter_chat_sessions:open-main', { threadId, notebook }),
        () => lastOf('.jcs-Main .jcs-Log-row p', threadId)
      ),
    compare: (threadIds, notebook) => {
      const panes = threadIds.map(threadId => ({ threadId, model: 'paced' }));
      return opening(
        () => void app().commands.execute('jupyter_chat_sessions:compare', { panes, notebook }),
        () => threadIds.map(id => lastOf('.jcs-Main .jcs-Log-row p', id)).every(Boolean) && document.querySelector('.jcs-Main')
      );
    },
    /** Reads all of what is older, in every thread that is open. */
    readAll: async () => {
      const left = () => [...document.querySelectorAll('.jcs-Main .jcs-Log-older button')];
      while (left().length > 0) {
        left().forEach(each => each.click());
        await nextFrame();
      }
      document.querySelectorAll('.jcs-Main .jcs-Log-end').forEach(each => each.click());
    }
  };

  /** Whole messages below each other, shown by the renderers of the notebook that is open. */
  class Whole {
    constructor(place = 0, count = 1) {
      const { left, top, width, height } = document.querySelector('#jp-main-dock-panel').getBoundingClientRect();
      this.node = document.createElement('div');
      this.node.className = 'm13-whole';
      const column = `left:${left + (place * width) / count}px;width:${width / count}px;top:${top}px;height:${height}px`;
      this.node.style.cssText = `position:fixed;z-index:9;overflow:auto;background:var(--jp-layout-color1);${column}`;
      document.body.append(this.node);
      this.renderers = main().find(each => each.content?.rendermime).content.rendermime;
    }
    widget(mimeType) {
      const widget = this.renderers.createRenderer(mimeType);
      widget.constructor.attach(widget, this.node);
      return widget;
    }
    render(widget, mimeType, value) {
      return widget.renderModel(this.renderers.createModel({ data: { [mimeType]: value } }));
    }
    show(mimeType, value) {
      void this.render(this.widget(mimeType), mimeType, value);
    }
    showMessage({ role, content, toolCalls = [], metadata }) {
      if (role !== 'tool') {
        this.show('text/markdown', content);
      }
      for (const call of toolCalls) {
        this.show('text/markdown', '```python\n' + JSON.parse(call.function.arguments).code + '\n```');
      }
      for (const { name, text, data } of metadata?.jupyter?.outputs ?? []) {
        const [mimeType, value] = data ? Object.entries(data)[0] : [`application/vnd.jupyter.${name}`, text];
        this.show(mimeType, value);
      }
    }
    /** The node of the last message, and the end in view. */
    last(threadId) {
      const said = this.node.lastElementChild;
      if (!said?.textContent.includes(`END ${threadId}`)) {
        return null;
      }
      this.node.scrollTop = this.node.scrollHeight;
      return said;
    }
    /** Asks, and shows the answer whole at each frame in which it grew; resolves at its end. */
    ask(url, content) {
      const socket = new WebSocket(url);
      const widget = this.widget('text/markdown');
      let text = '';
      let shown = '';
      let isOver = false;
      socket.onmessage = ({ data }) => {
        const { kind, event } = JSON.parse(data);
        if (kind === 'hello') {
          socket.send(JSON.stringify({ kind: 'send', id: crypto.randomUUID(), content }));
        } else if (event?.type === 'TEXT_MESSAGE_CONTENT') {
          text += event.delta;
        } else if (event?.type === 'RUN_FINISHED') {
          isOver = true;
          socket.close();
        }
      };
      return new Promise(resolve => {
        const paint = async () => {
          if (text !== shown) {
            shown = text;
            await this.render(widget, 'text/markdown', text);
            this.node.scrollTop = this.node.scrollHeight;
          }
          if (isOver && text === shown) {
            resolve();
          } else {
            requestAnimationFrame(paint);
          }
        };
        requestAnimationFrame(paint);
      });
    }
  }

  let panes = [];
  const openWhole = async threadIds => {
    const urls = threadIds.map(id => `/chat-sessions/threads/${id}/export?format=json`);
    const exports = await Promise.all(urls.map(async url => (await fetch(url)).json()));
    panes = threadIds.map((_, place) => new Whole(place, threadIds.length));
    return opening(
      () => panes.forEach((pane, place) => exports[place].messages.forEach(each => pane.showMessage(each))),
      () => panes.map((pane, place) => pane.last(threadIds[place])).reduce((all, each) => all && each)
    );
  };
  const askWhole = (threadIds, content) =>
    Promise.all(
      threadIds.map((id, place) =>
        panes[place].ask(`ws://${location.host}/chat-sessions/threads/${id}/live?after=0`, content)
      )
    );
  const close = () => {
    main().forEach(each => each.id.includes('chat-sessions') && each.dispose());
    panes.forEach(each => each.node.remove());
    panes = [];
  };

  window.m13 = { opening, record, ours, openWhole, askWhole, close };
})();
