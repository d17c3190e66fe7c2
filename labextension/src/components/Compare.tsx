/** Models side by side: a pane each, one composer for them all. */

import { addIcon, closeIcon } from '@jupyterlab/ui-components';
import { useId, useMemo, useState } from 'react';

import type { Along } from '../store/along';
import type { Shown } from '../store/thread';
import { DIRECT, isStoppable } from '../store/turns';
import { spentIn } from '../store/usage';
import type { AlongActions } from './alongActions';
import { blockedIn, ChatBody } from './Chat';
import type { ChatActions } from './Chat';
import { Chip } from './Chip';
import { Composer } from './Composer';
import { DropTarget } from './DropTarget';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { isComposing } from './keys';
import { useSaid } from './useSaid';

export interface PaneProps {
  readonly id: string;
  readonly model: string;
  readonly shown: Shown;
  readonly actions: ChatActions;
}

export interface CompareProps {
  readonly panes: readonly PaneProps[];
  readonly draft: string;
  /** Ids of models that may be chosen; others may be typed. */
  readonly models: readonly string[];
  /** Asks who is to answer in a pane. */
  readonly onAskModel: (id: string) => void;
  readonly mayAdd: boolean;
  readonly focusKey?: unknown;
  /** What goes along with the next message. */
  readonly along: readonly Along[];
  readonly alongActions: AlongActions;
  readonly onWrite: (draft: string) => void;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
  readonly onChoose: (id: string, model: string) => void;
  readonly onAdd: () => void;
  readonly onDrop: (id: string) => void;
  /** Goes on with this one alone. */
  readonly onKeep: (id: string) => void;
}

export function Compare(props: CompareProps): JSX.Element {
  const { trans } = useHost();
  const names = useId();
  const { panes, alongActions: along } = props;
  const blocked = panes.length === 0 ? trans.__('Add a model to compare') : allBlocked(panes, trans);
  return (
    <DropTarget
      className="jcs-Compare"
      onFiles={blocked === null ? along.upload : null}
      onPaths={along.takePaths}
      onCells={along.takeCells}
    >
      <datalist id={names}>
        {props.models.map(model => (
          <option key={model} value={model} />
        ))}
      </datalist>
      <SameModel {...props} />
      <div className="jcs-Panes">
        {panes.map((pane, index) => (
          <PaneView
            key={pane.id}
            {...pane}
            name={trans.__('Answer %1 of %2', index + 1, panes.length)}
            names={names}
            isAlone={panes.length === 1}
            onChoose={model => props.onChoose(pane.id, model)}
            onDrop={() => props.onDrop(pane.id)}
            onKeep={() => props.onKeep(pane.id)}
          />
        ))}
      </div>
      <Composer
        draft={props.draft}
        isRunning={panes.some(pane => isStoppable(pane.shown.view))}
        blocked={blocked}
        most={panes[0]?.shown.view.most}
        focusKey={props.focusKey}
        onWrite={props.onWrite}
        onSend={props.onSend}
        along={props.along}
        alongActions={along}
        onStop={props.onStop}
      >
        <span className="jcs-Chips">
          <span className="jcs-Chip">
            {trans.__('Every model gets this message, in a chat and a sandbox of its own.')}
          </span>
          {props.mayAdd && (
            <button type="button" className="jcs-IconButton" onClick={props.onAdd}>
              <addIcon.react tag="span" />
              {trans.__('Add a model')}
            </button>
          )}
        </span>
      </Composer>
    </DropTarget>
  );
}

/** Said before anything is asked, where two panes would be answered alike: there is nothing to compare then. */
function SameModel({ panes, onAskModel }: CompareProps): JSX.Element | null {
  const { trans } = useHost();
  const isBegun = panes.some(({ shown }) => shown.view.runs.size > 0 || shown.view.pending.length > 0);
  const agent = panes[0]?.shown.view.agent;
  if (isBegun || !agent) {
    return null;
  }
  const asked = panes.map(pane => pane.model || agent.id);
  const place = asked.findIndex((each, at) => asked.indexOf(each) < at);
  if (place < 0) {
    return null;
  }
  const same = panes[place];
  const isModel = asked[place] === agent.id ? agent.kind !== 'none' : asked[place] !== DIRECT;
  return (
    <div className="jcs-Banner jcs-mod-info" role="status">
      {isModel
        ? trans.__('Two of these panes would ask the same model.')
        : trans.__('No AI model answers here, so two of these panes would do the same.')}{' '}
      <button type="button" className="jcs-Link" onClick={() => onAskModel(same.id)}>
        {isModel ? trans.__('Choose another') : trans.__('Choose a model')}
      </button>
    </div>
  );
}

/** Why nothing can be sent to any pane. */
function allBlocked(panes: readonly PaneProps[], trans: ReturnType<typeof useHost>['trans']): string | null {
  const reasons = panes.map(pane => blockedIn(pane.shown, trans));
  return reasons.every(reason => reason !== null) ? reasons[0] : null;
}

interface PaneViewProps extends PaneProps {
  readonly name: string;
  /** The id of the list of models. */
  readonly names: string;
  readonly isAlone: boolean;
  readonly onChoose: (model: string) => void;
  readonly onDrop: () => void;
  readonly onKeep: () => void;
}

function PaneView(props: PaneViewProps): JSX.Element {
  const { trans } = useHost();
  const { shown, actions } = props;
  const said = useSaid(shown.view);
  const spent = useMemo(() => spentIn(said), [said]);
  const isBegun = said.runs.size > 0 || said.pending.length > 0;
  return (
    <section className="jcs-Pane" aria-label={props.name}>
      <header className="jcs-Pane-head">
        <ModelName
          model={props.model}
          agent={shown.view.agent?.label}
          names={props.names}
          onChoose={props.onChoose}
        />
        <button type="button" className="jcs-Button" disabled={!isBegun} onClick={props.onKeep}>
          {trans.__('Go on with this one')}
        </button>
        {!props.isAlone && (
          <IconButton
            icon={closeIcon}
            label={trans.__('Take this pane away')}
            title={trans.__('Take this pane away; its chat stays in the list')}
            onClick={props.onDrop}
          />
        )}
      </header>
      <div className="jcs-Chat">
        <ChatBody shown={shown} actions={actions} empty={<div className="jcs-Blank" />} />
      </div>
      <Chip agent={null} level={shown.view.level} model={null} spent={spent} onChoose={null} consent={null} />
    </section>
  );
}

interface ModelNameProps {
  readonly model: string;
  /** Who answers where nobody is named. */
  readonly agent: string | undefined;
  readonly names: string;
  readonly onChoose: (model: string) => void;
}

/** Who answers in a pane: chosen from the list or typed. It counts once it is left or confirmed. */
function ModelName({ model, agent, names, onChoose }: ModelNameProps): JSX.Element {
  const { trans } = useHost();
  const [written, write] = useState<string | null>(null);
  const end = (): void => {
    if (written !== null && written.trim() !== model) {
      onChoose(written.trim());
    }
    write(null);
  };
  return (
    <input
      className="jcs-ModelName"
      list={names}
      spellCheck={false}
      aria-label={trans.__('Model')}
      title={trans.__('Who answers here; empty for the server’s choice')}
      placeholder={agent ?? trans.__('The server’s choice')}
      value={written ?? model}
      onChange={event => write(event.target.value)}
      onBlur={end}
      onKeyDown={event => {
        if (isComposing(event)) {
          return;
        }
        if (event.key === 'Enter') {
          end();
        } else if (event.key === 'Escape' && written !== null) {
          event.stopPropagation();
          write(null);
        }
      }}
    />
  );
}
