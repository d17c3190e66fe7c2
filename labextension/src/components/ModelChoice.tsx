/** Who is to answer: what there is, anything else by its id, and the keys that it needs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { reasonOf } from '../client/refusal';
import type { KeyPlace, ModelList, Offer } from '../client/rest';
import type { ChosenModel } from '../store/thread';
import { useHost } from './host';
import { useLoaded } from './useLoaded';

/** A model; with the id "" the server's own choice; `undefined` while nothing has been chosen. */
export type Chosen = ChosenModel | undefined;

export interface ModelChoiceProps {
  readonly load: () => Promise<ModelList>;
  /** The id of who answers now; "" where the server chooses. */
  readonly current: string;
  readonly onChoose: (chosen: Chosen) => void;
  readonly onKey: (provider: string, key: string) => Promise<void>;
  readonly onForget: (provider: string) => Promise<void>;
}

export function ModelChoice({ load, current, onChoose, onKey, onForget }: ModelChoiceProps): JSX.Element {
  const { trans } = useHost();
  const { value, failure, again } = useLoaded(load);
  const [chosen, choose] = useState<Chosen>({ id: current, label: current });
  const [typed, type] = useState<string | null>(null);
  const pick = (next: Chosen): void => {
    choose(next);
    onChoose(next);
  };
  if (failure) {
    return <p role="alert">{failure}</p>;
  }
  if (value === null) {
    return <p role="status">{trans.__('Looking for models…')}</p>;
  }
  const isOffered = (id: string): boolean => id === '' || value.models.some(offer => offer.id === id);
  // Who answers now may be nobody that is offered: then its id stands where others are typed.
  const other = typed ?? (isOffered(current) ? '' : current);
  const isTyped = chosen !== undefined && other !== '' && chosen.id === other.trim();
  return (
    <div className="jcs-Models">
      <fieldset>
        <legend className="jcs-unseen">{trans.__('Models')}</legend>
        <Choice
          label={trans.__('As the server chooses: %1', value.default.label)}
          isChosen={chosen?.id === ''}
          onChoose={() => pick({ id: '', label: value.default.label })}
        />
        {value.models.map(offer => (
          <Choice
            key={offer.id}
            label={offer.label}
            note={offer.id}
            warning={offer.trusted ? '' : warningOf(offer, trans)}
            isChosen={chosen?.id === offer.id && !isTyped}
            onChoose={() => pick({ id: offer.id, label: offer.label })}
          />
        ))}
        <label className="jcs-Choice">
          <input type="radio" name="jcs-model" checked={isTyped} readOnly />
          <input
            type="text"
            className="jcs-Choice-id"
            value={other}
            spellCheck={false}
            placeholder={trans.__('another, as provider:model')}
            aria-label={trans.__('Another model, as provider:model')}
            onChange={event => {
              const id = event.target.value;
              type(id);
              pick(id.trim() ? { id: id.trim(), label: id.trim() } : undefined);
            }}
          />
        </label>
      </fieldset>
      <KeyEntry
        providers={value.providers}
        onKey={async (provider, key) => {
          await onKey(provider, key);
          again();
        }}
        onForget={async provider => {
          await onForget(provider);
          again();
        }}
      />
    </div>
  );
}

function warningOf(offer: Offer, trans: TranslationBundle): string {
  return trans.__('%1 answers on a port of this computer that may be another user’s.', offer.label);
}

interface ChoiceProps {
  readonly label: string;
  readonly note?: string;
  readonly warning?: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function Choice({ label, note, warning, isChosen, onChoose }: ChoiceProps): JSX.Element {
  return (
    <label className="jcs-Choice">
      <input type="radio" name="jcs-model" checked={isChosen} onChange={onChoose} />
      <span>
        {label}
        {note && note !== label && <code>{note}</code>}
        {warning && <small role="note">{warning}</small>}
      </span>
    </label>
  );
}

interface KeyEntryProps {
  readonly providers: readonly KeyPlace[];
  readonly onKey: (provider: string, key: string) => Promise<void>;
  readonly onForget: (provider: string) => Promise<void>;
}

function KeyEntry({ providers, onKey, onForget }: KeyEntryProps): JSX.Element {
  const { trans } = useHost();
  const [name, choose] = useState('openai');
  const [key, type] = useState('');
  const [failure, fail] = useState('');
  const provider = providers.find(each => each.name === name) ?? providers[0];
  const act = async (doing: Promise<void>): Promise<void> => {
    try {
      await doing;
      fail('');
    } catch (error) {
      fail(reasonOf(error));
    }
  };
  const save = (): void => {
    if (key.trim()) {
      type('');
      void act(onKey(provider.name, key));
    }
  };
  return (
    <details className="jcs-Keys">
      <summary>{trans.__('API keys')}</summary>
      <div className="jcs-Keys-entry">
        <select
          value={provider.name}
          aria-label={trans.__('Provider')}
          onChange={event => choose(event.target.value)}
        >
          {providers.map(each => (
            <option key={each.name} value={each.name}>
              {each.title}
            </option>
          ))}
        </select>
        <input
          type="password"
          autoComplete="off"
          value={key}
          aria-label={trans.__('API key of %1', provider.title)}
          placeholder={trans.__('API key')}
          onChange={event => type(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              event.preventDefault();
              event.stopPropagation();
              save();
            }
          }}
        />
        <button type="button" className="jcs-Button" disabled={!key.trim()} onClick={save}>
          {trans.__('Use key')}
        </button>
        {(provider.source === 'memory' || provider.source === 'keyring') && (
          <button type="button" className="jcs-Button" onClick={() => void act(onForget(provider.name))}>
            {trans.__('Forget')}
          </button>
        )}
      </div>
      {failure && <p role="alert">{failure}</p>}
      <p role="status">{wordsOf(provider, trans)}</p>
      {provider.install && <code>{provider.install}</code>}
    </details>
  );
}

/** Where a provider's key comes from. */
function wordsOf(provider: KeyPlace, trans: TranslationBundle): string {
  switch (provider.source) {
    case 'memory':
      return trans.__('A key is held in the server’s memory until the server ends.');
    case 'keyring':
      return trans.__('A key is in the system’s keyring.');
    case 'environment':
      return trans.__('The key comes from %1 in the server’s environment.', provider.variable);
    case 'file':
    case 'command':
      return trans.__('The key comes from a file or a command that the server’s settings name.');
    default:
      return provider.needs_key
        ? trans.__(
            'There is no key yet. It goes to the server, which sends it to %1 and nowhere else.',
            provider.title
          )
        : trans.__('%1 may do without a key.', provider.title);
  }
}
