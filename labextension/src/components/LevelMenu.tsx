/** How far tools are kept inside their folder, and whether they may read the notebook's. */

import { useEffect, useId, useRef, useState } from 'react';

import { reasonOf } from '../client/refusal';
import { shieldIcon } from '../icons';
import type { Level } from '../protocol';
import { useHost } from './host';

/** A person's consent that tools read the notebook's folder. */
export interface FolderConsent {
  readonly isGiven: boolean;
  readonly onChange: (isGiven: boolean) => Promise<void>;
  /** Ends the thread's Python, so that the next call begins with what holds now. */
  readonly onRestart: () => Promise<void>;
}

export interface LevelMenuProps {
  readonly level: Level;
  /** `null` where it is not this person's to give. */
  readonly consent: FolderConsent | null;
}

/** A chip that unfolds. It folds by Escape, by its chip, and when the focus goes elsewhere. */
export function LevelMenu({ level, consent }: LevelMenuProps): JSX.Element {
  const { trans } = useHost();
  const [isOpen, setOpen] = useState(false);
  const whole = useRef<HTMLSpanElement>(null);
  const chip = useRef<HTMLButtonElement>(null);
  const menu = useId();
  useEffect(() => {
    if (!isOpen) {
      return;
    }
    const leave = (event: Event): void => {
      if (!whole.current?.contains(event.target as Node)) {
        setOpen(false);
      }
    };
    document.addEventListener('pointerdown', leave);
    document.addEventListener('focusin', leave);
    return () => {
      document.removeEventListener('pointerdown', leave);
      document.removeEventListener('focusin', leave);
    };
  }, [isOpen]);
  const levels = {
    isolated: {
      name: trans.__('isolated'),
      meaning: trans.__('Tools see only this chat’s folder and have no network.')
    },
    confined: {
      name: trans.__('confined'),
      meaning: trans.__('Tools write only in this chat’s folder.')
    },
    unconfined: {
      name: trans.__('not confined'),
      meaning: trans.__('Tools run in this chat’s folder, with all the rights of the server.')
    }
  };
  const { name, meaning } = levels[level];
  return (
    <span
      className="jcs-Level"
      ref={whole}
      onKeyDown={event => {
        if (event.key === 'Escape' && isOpen) {
          event.stopPropagation();
          setOpen(false);
          chip.current?.focus();
        }
      }}
    >
      <button
        type="button"
        ref={chip}
        className={`jcs-Chip jcs-mod-${level}`}
        title={meaning}
        aria-description={meaning}
        aria-expanded={isOpen}
        aria-controls={menu}
        onClick={() => setOpen(!isOpen)}
      >
        <shieldIcon.react tag="span" />
        {name}
      </button>
      {isOpen && (
        <div id={menu} className="jcs-Level-menu" role="group" aria-label={trans.__('What tools may see')}>
          <p>{meaning}</p>
          {level === 'unconfined' ? (
            <p>
              {trans.__(
                'Nothing can be kept from them here, so the notebook’s folder cannot be opened to them apart.'
              )}
            </p>
          ) : (
            consent && <ConsentBox consent={consent} />
          )}
        </div>
      )}
    </span>
  );
}

function ConsentBox({ consent }: { readonly consent: FolderConsent }): JSX.Element {
  const { trans } = useHost();
  const [said, say] = useState<string | null>(null);
  const [isLate, setLate] = useState(false);
  const tell = (work: Promise<void>, words: string, isThenLate: boolean): void => {
    work.then(
      () => {
        say(words);
        setLate(isThenLate);
      },
      (error: unknown) => {
        say(reasonOf(error));
        setLate(false);
      }
    );
  };
  const change = (isGiven: boolean): void =>
    tell(
      consent.onChange(isGiven),
      isGiven
        ? trans.__('This holds as soon as Python starts anew.')
        : trans.__('Python starts anew with the next call, and reads it no more.'),
      isGiven
    );
  return (
    <>
      <label>
        <input
          type="checkbox"
          checked={consent.isGiven}
          onChange={event => change(event.currentTarget.checked)}
        />
        {trans.__('Tools of this chat may read the notebook’s folder')}
      </label>
      <p>{trans.__('Only read, not write. Hidden files and other chats are left out.')}</p>
      <div role="status">
        {said !== null && <p>{said}</p>}
        {isLate && (
          <button
            type="button"
            className="jcs-Link"
            onClick={() =>
              tell(consent.onRestart(), trans.__('Python starts anew with the next call.'), false)
            }
          >
            {trans.__('Restart Python now; variables are forgotten')}
          </button>
        )}
      </div>
    </>
  );
}
