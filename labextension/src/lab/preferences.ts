/** What a person has set in JupyterLab's settings, followed as it changes. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { DEFAULTS } from '../components/host';
import type { Preferences } from '../components/host';
import type { Source } from '../components/source';

export class SetPreferences implements Source<Preferences> {
  private current = DEFAULTS;
  private readonly signal = new Signal<this, void>(this);

  get value(): Preferences {
    return this.current;
  }

  get changed(): ISignal<this, void> {
    return this.signal;
  }

  /** Follows the settings of `plugin`; until they are read, and where they cannot be, the defaults hold. */
  async follow(registry: ISettingRegistry, plugin: string): Promise<void> {
    try {
      const settings = await registry.load(plugin);
      const read = (): void => {
        this.current = { ...DEFAULTS, ...(settings.composite as Partial<Preferences>) };
        this.signal.emit();
      };
      settings.changed.connect(read);
      read();
    } catch (error) {
      console.warn('The settings of the chat could not be read.', error);
    }
  }
}
