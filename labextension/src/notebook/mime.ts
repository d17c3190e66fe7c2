/**
 * `ChatPanel` as JupyterLab itself shows it, by its own mime type: a saved notebook shows its chat again without a
 * kernel. The output keeps the thread's id and its last turns, so that it can be read without the server, too.
 */

import type { IRenderMime } from '@jupyterlab/rendermime';
import type { PartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import type { Message } from '@lumino/messaging';

import { runningOf } from '../store/turns';
import type { Thread } from '../store/thread';
import { modelCame, modelOf } from './models';
import type { PanelModel } from './models';
import { Panel } from './panel';
import type { PanelParts } from './panel';
import { htmlOf, MIME, savedTurns } from './snapshot';
import type { Saved } from './snapshot';

/** Before the renderer of widgets, which has -10 and shows nothing without a kernel. */
const RANK = -20;

/** Lets every notebook that is opened from now on show panels. */
export function addPanelRenderer(parts: PanelParts): void {
  parts.host.rendermime.addFactory(
    { safe: true, mimeTypes: [MIME], createRenderer: () => new SavedPanel(parts) },
    RANK
  );
}

export class SavedPanel extends Widget implements IRenderMime.IRenderer {
  private readonly panel: Panel;
  private mime: IRenderMime.IMimeModel | null = null;
  private model: PanelModel | null = null;
  private stop: () => void = () => undefined;

  constructor(parts: PanelParts) {
    super();
    this.panel = new Panel(this.node, parts, thread => this.follow(thread));
    modelCame.connect(this.adopt, this);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      modelCame.disconnect(this.adopt, this);
      this.model?.off(null, null, this);
      this.stop();
      this.panel.close();
      super.dispose();
    }
  }

  async renderModel(mime: IRenderMime.IMimeModel): Promise<void> {
    this.mime = mime;
    this.panel.resize(this.saved?.height);
    this.adopt();
    this.open();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.open();
  }

  private get saved(): Saved | null {
    return (this.mime?.data[MIME] as unknown as Saved | undefined) ?? null;
  }

  /** Only an output that stands in its notebook knows which one that is. */
  private open(): void {
    if (this.isAttached && this.saved) {
      const named = (this.model?.get('thread_id') as string | null | undefined) ?? this.saved.thread_id;
      void this.panel.open(named ?? this.panel.thread?.id ?? null, this.saved);
    }
  }

  /** Ties the panel to its widget in the kernel, now or as soon as that comes. */
  private adopt(): void {
    const model = modelOf(this.saved?.model_id);
    if (model === null || model === this.model) {
      return;
    }
    this.model?.off(null, null, this);
    this.model = model;
    model.on('change:thread_id', () => this.open(), this);
    model.on('change:height', () => this.panel.resize(model.get('height')), this);
    this.panel.resize(model.get('height'));
    if (this.panel.thread && model.get('thread_id') === null) {
      this.tell(this.panel.thread);
    }
    this.open();
  }

  private follow(thread: Thread): void {
    this.stop();
    this.tell(thread);
    if (this.saved?.thread_id !== thread.id) {
      this.keep(thread);
    }
    // What was there when the panel opened changes no notebook; what comes is kept, each time a run has ended.
    let kept: number | null = null;
    const follow = (): void => {
      const { view, connection } = thread.snapshot();
      if (connection === 'live' && kept === null) {
        kept = view.seq;
      } else if (connection === 'live' && kept !== view.seq && runningOf(view) === null) {
        kept = view.seq;
        this.keep(thread);
      }
    };
    follow();
    this.stop = thread.subscribe(follow);
  }

  /** Tells the kernel which thread is shown. */
  private tell(thread: Thread): void {
    if (this.model && this.model.get('thread_id') !== thread.id) {
      this.model.set('thread_id', thread.id);
      this.model.save_changes();
    }
  }

  /** Writes the thread's id and last turns into the notebook, which is saved when its person saves it. */
  private keep(thread: Thread): void {
    const { mime, saved } = this;
    const canKeep = typeof (mime as Partial<IRenderMime.IMimeModel> | null)?.setData === 'function'; // not in Voila
    if (!mime || !saved || !canKeep) {
      return;
    }
    const { view } = thread.snapshot();
    const kept: Saved = {
      ...saved,
      thread_id: thread.id,
      title: view.thread?.title ?? '',
      turns: savedTurns(view)
    };
    if (JSON.stringify(kept) !== JSON.stringify(saved)) {
      const bundle = { [MIME]: kept as unknown as PartialJSONObject, 'text/html': htmlOf(kept) };
      mime.setData({ data: { ...mime.data, ...bundle } });
    }
  }
}
