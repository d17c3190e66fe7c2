/** Who answers, and how far tools are kept inside their folder. */

import { caretDownEmptyThinIcon } from '@jupyterlab/ui-components';

import { shieldIcon } from '../icons';
import type { AgentInfo, Level } from '../protocol';
import { useHost } from './host';

export interface ChipProps {
  readonly agent: AgentInfo | null;
  readonly level: Level | null;
  /** The thread's own model; `null` where the server's choice answers. */
  readonly model: string | null;
  readonly onChoose: (() => void) | null;
}

export function Chip({ agent, level, model, onChoose }: ChipProps): JSX.Element {
  const { trans } = useHost();
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
  const shown = level && levels[level];
  return (
    <span className="jcs-Chips">
      {agent && onChoose === null && (
        <span className="jcs-Chip" title={agent.label}>
          {agent.label}
        </span>
      )}
      {agent && onChoose && (
        <button
          type="button"
          className="jcs-Chip jcs-mod-choose"
          title={trans.__('%1 answers. Click to choose who does', model ?? agent.label)}
          aria-label={trans.__('%1 answers; choose who does', model ?? agent.label)}
          onClick={onChoose}
        >
          <span className="jcs-Chip-label">{model ?? agent.label}</span>
          <caretDownEmptyThinIcon.react tag="span" />
        </button>
      )}
      {shown && (
        <span
          className={`jcs-Chip jcs-mod-${level}`}
          title={shown.meaning}
          tabIndex={0}
          aria-description={shown.meaning}
        >
          <shieldIcon.react tag="span" />
          {shown.name}
        </span>
      )}
    </span>
  );
}
