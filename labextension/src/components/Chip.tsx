/** Who answers, and how far tools are kept inside their folder. */

import { caretDownEmptyThinIcon } from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';

import type { AgentInfo, Level } from '../protocol';
import type { Spent } from '../store/usage';
import { useHost } from './host';
import { LevelMenu } from './LevelMenu';
import type { FolderConsent } from './LevelMenu';
import { UsageChip } from './UsageChip';

export interface ChipProps {
  readonly agent: AgentInfo | null;
  readonly level: Level | null;
  /** The thread's own model; `null` where the server's choice answers. */
  readonly model: string | null;
  readonly spent: Spent | null;
  readonly onChoose: (() => void) | null;
  readonly consent: FolderConsent | null;
  /** What stands at the end of the line. */
  readonly children?: ReactNode;
}

export function Chip({ agent, level, model, spent, onChoose, consent, children }: ChipProps): JSX.Element {
  const { trans } = useHost();
  return (
    <span className="jcs-Chips">
      {agent && onChoose === null && (
        <span className="jcs-Chip" title={model ?? agent.label}>
          {model ?? agent.label}
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
      {level && <LevelMenu level={level} consent={consent} />}
      <UsageChip spent={spent} />
      {children}
    </span>
  );
}
