/**
 * `ChatPanel` as ipywidgets shows it. Its comm only keeps the panel's traits the same on both sides.
 *
 * Where JupyterLab renders the output itself (see mime.ts), the model made here is what ties it to the kernel.
 */

import { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';
import type { ExportMap } from '@jupyter-widgets/base';

import { keepModel } from './models';
import { MODULE, MODULE_VERSION } from './name';
import { Panel } from './panel';
import type { PanelParts } from './panel';

export class ChatPanelModel extends DOMWidgetModel {
  override defaults(): Backbone.ObjectHash {
    return {
      ...super.defaults(),
      _model_name: 'ChatPanelModel',
      _model_module: MODULE,
      _model_module_version: MODULE_VERSION,
      _view_name: 'ChatPanelView',
      _view_module: MODULE,
      _view_module_version: MODULE_VERSION,
      thread_id: null,
      height: '28em'
    };
  }

  override initialize(...given: Parameters<DOMWidgetModel['initialize']>): void {
    super.initialize(...given);
    const forget = keepModel(this);
    this.once('comm:close destroy', forget);
  }
}

/** What the widget registry is given. */
export function panelExports(parts: PanelParts): ExportMap {
  class ChatPanelView extends PanelView {
    protected override readonly parts = parts;
  }
  return { ChatPanelModel, ChatPanelView };
}

abstract class PanelView extends DOMWidgetView {
  protected abstract readonly parts: PanelParts;
  private panel: Panel | null = null;

  override render(): void {
    super.render();
    this.panel = new Panel(this.el, this.parts, thread => {
      if (this.model.get('thread_id') !== thread.id) {
        this.model.set('thread_id', thread.id);
        this.touch();
      }
    });
    this.listenTo(this.model, 'change:thread_id', () => this.follow());
    this.listenTo(this.model, 'change:height', () => this.panel?.resize(this.model.get('height')));
    this.panel.resize(this.model.get('height'));
    void this.displayed.then(() => this.follow());
  }

  override remove(): void {
    this.panel?.close();
    this.panel = null;
    super.remove();
  }

  /** Shows the thread the trait names; where it names none, the notebook's current one. */
  private follow(): void {
    const manager = this.model.widget_manager as { readonly context?: { readonly path?: string } };
    void this.panel?.open(this.model.get('thread_id') as string | null, null, manager.context?.path);
  }
}
