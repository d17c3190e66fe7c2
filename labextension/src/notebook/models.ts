/** The widgets of this page's kernels that a panel in an output belongs to, by their ids. */

import { Signal } from '@lumino/signaling';

/** What a panel uses of its widget. */
export interface PanelModel {
  readonly model_id: string;
  get(name: string): unknown;
  set(name: string, value: unknown): unknown;
  save_changes(): void;
  on(event: string, callback: () => void, context: object): unknown;
  off(event: string | null, callback: null, context: object): unknown;
}

const models = new Map<string, PanelModel>();

/** Says that a model has come. */
export const modelCame = new Signal<object, PanelModel>({});

/** Keeps a model until the function that is given back is called. */
export function keepModel(model: PanelModel): () => void {
  models.set(model.model_id, model);
  modelCame.emit(model);
  return () => {
    models.delete(model.model_id);
  };
}

/** The model of that id; `null` where its kernel has gone or it has not come yet. */
export function modelOf(id: string | undefined): PanelModel | null {
  return (id !== undefined && models.get(id)) || null;
}
