/** What a chat asks or shows in a window of its own: who is to answer, and what was sent. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { ReactElement } from 'react';

import type { ModelList } from '../client/rest';
import { answering } from '../store/model';
import type { ChosenModel, Thread } from '../store/thread';
import { HostProvider } from './host';
import type { Host } from './host';
import { ModelChoice } from './ModelChoice';
import type { Chosen } from './ModelChoice';
import { Requests } from './Requests';

/** A dialog's inside; what is chosen in it is told when the dialog is accepted. */
class Inside<T> extends ReactWidget {
  constructor(
    private readonly inside: (choose: (value: T) => void) => ReactElement,
    private chosen: T
  ) {
    super();
    this.addClass('jcs-Dialog');
  }

  getValue(): T {
    return this.chosen;
  }

  protected render(): ReactElement {
    return this.inside(value => (this.chosen = value));
  }
}

/** What choosing a model asks of the server. */
export interface ModelDoors {
  models(): Promise<ModelList>;
  holdKey(provider: string, key: string): Promise<void>;
  forgetKey(provider: string): Promise<void>;
}

/** Lets a person choose who answers in a thread, and type keys. */
export async function askForModel(thread: Thread, host: Host): Promise<void> {
  const shown = thread.snapshot();
  const current = shown.model?.id ?? answering(shown.view, host.preferences.value.defaultModel);
  const chosen = await pickModel(host.trans.__('Who answers in this chat'), current, thread, host);
  if (chosen !== null) {
    thread.chooseModel(chosen);
  }
}

/** Lets a person choose a model; `null` where they do not. */
export async function pickModel(
  title: string,
  current: string,
  doors: ModelDoors,
  host: Host
): Promise<ChosenModel | null> {
  const { trans } = host;
  const body = new Inside<Chosen>(
    choose => (
      <HostProvider value={host}>
        <ModelChoice
          load={() => doors.models()}
          current={current}
          onChoose={choose}
          onKey={(provider, key) => doors.holdKey(provider, key)}
          onForget={provider => doors.forgetKey(provider)}
        />
      </HostProvider>
    ),
    undefined
  );
  const dialog = new Dialog<Chosen>({
    title,
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Use') })]
  });
  const { button, value } = await dialog.launch();
  return (button.accept && value) || null;
}

/** Shows what was sent to a provider in these runs. */
export async function showRequests(thread: Thread, runIds: readonly string[], host: Host): Promise<void> {
  const body = new Inside<null>(
    () => (
      <HostProvider value={host}>
        <Requests load={() => thread.requests(runIds)} />
      </HostProvider>
    ),
    null
  );
  const { trans } = host;
  await new Dialog({
    title: trans.__('What was sent to the model'),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  }).launch();
}
