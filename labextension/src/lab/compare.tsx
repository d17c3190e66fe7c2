/** A comparison in the main area, as a tab of its own. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';

import type { Place } from '../client/rest';
import { alongActionsOf } from '../components/alongActions';
import { Compare } from '../components/Compare';
import { pickModel } from '../components/dialogs';
import { HostProvider, useHost } from '../components/host';
import type { Named } from '../components/host';
import { useSource } from '../components/source';
import { actionsOf } from '../components/ThreadView';
import { compareIcon } from '../icons';
import { mergedAlong } from '../store/along';
import { Comparison, MOST_PANES } from '../store/compare';
import type { KeptPane, Pane } from '../store/compare';
import type { Shown } from '../store/thread';
import type { IChatSessions } from '../tokens';

export class CompareDocument extends ReactWidget {
  readonly comparison: Comparison;

  constructor(
    private readonly sessions: IChatSessions,
    place: Place,
    panes: readonly KeptPane[],
    private readonly onKeep: (kept: Named, document: CompareDocument) => void
  ) {
    super();
    const { trans } = sessions.host;
    this.id = `jupyter-chat-sessions-compare-${panes[0]?.threadId ?? ''}`;
    this.addClass('jcs-Main');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Compare models'));
    this.title.icon = compareIcon;
    this.title.label = trans.__('Compare');
    this.title.closable = true;
    this.comparison = new Comparison(sessions.threads, place, panes);
    sessions.threads.forgotten.connect(this.onForgotten, this);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.sessions.threads.forgotten.disconnect(this.onForgotten, this);
      this.comparison.close();
      super.dispose();
    }
  }

  protected render(): JSX.Element {
    return (
      <HostProvider value={this.sessions.host}>
        <CompareView
          comparison={this.comparison}
          rest={this.sessions.rest}
          onKeep={kept => this.onKeep(kept, this)}
        />
      </HostProvider>
    );
  }

  private onForgotten(_: unknown, threadId: string): void {
    this.comparison.drop(threadId);
  }
}

interface CompareViewProps {
  readonly comparison: Comparison;
  readonly rest: IChatSessions['rest'];
  readonly onKeep: (kept: Named) => void;
}

function CompareView({ comparison, rest, onKeep }: CompareViewProps): JSX.Element {
  const { panes, draft } = useSource(comparison);
  const shown = useShown(panes);
  const { models, again } = useModels(rest);
  const host = useHost();
  const alongActions = useMemo(() => alongActionsOf(comparison, host), [comparison, host]);
  const actions = useMemo(() => panes.map(({ thread }) => actionsOf(thread, host)), [panes, host]);
  const askModel = async (id: string): Promise<void> => {
    const { model = '' } = panes.find(pane => pane.threadId === id) ?? {};
    const chosen = await pickModel(host.trans.__('Who answers in this pane'), model, rest, host);
    if (chosen !== null) {
      comparison.choose(id, chosen.id);
      again();
    }
  };
  return (
    <Compare
      panes={panes.map((pane, index) => ({
        id: pane.threadId,
        model: pane.model,
        shown: shown[index],
        actions: actions[index]
      }))}
      draft={draft}
      along={mergedAlong(shown.map(({ along = [] }) => along))}
      alongActions={alongActions}
      models={models}
      mayAdd={panes.length < MOST_PANES}
      focusKey={1}
      onWrite={text => comparison.write(text)}
      onSend={text => comparison.send(text)}
      onStop={() => comparison.cancel()}
      onChoose={(id, model) => comparison.choose(id, model)}
      onAskModel={id => void askModel(id)}
      onAdd={() => comparison.add('')}
      onDrop={id => comparison.drop(id)}
      onKeep={id => onKeep({ id, place: comparison.place })}
    />
  );
}

/** What each pane's thread shows, followed. */
function useShown(panes: readonly Pane[]): readonly Shown[] {
  const { subscribe, snapshot } = useMemo(() => shownOf(panes), [panes]);
  return useSyncExternalStore(subscribe, snapshot);
}

interface ShownSource {
  readonly subscribe: (listener: () => void) => () => void;
  readonly snapshot: () => readonly Shown[];
}

/** What the panes show, the same object until one of them shows something else. */
function shownOf(panes: readonly Pane[]): ShownSource {
  let kept: readonly Shown[] = [];
  return {
    subscribe: listener => {
      const stops = panes.map(({ thread }) => thread.subscribe(listener));
      return () => stops.forEach(stop => stop());
    },
    snapshot: () => {
      const now = panes.map(({ thread }) => thread.snapshot());
      if (now.length !== kept.length || now.some((shown, place) => shown !== kept[place])) {
        kept = now;
      }
      return kept;
    }
  };
}

/** Ids of the models the server offers, none where it does not say; and what has it asked again. */
function useModels(rest: IChatSessions['rest']): { models: readonly string[]; again: () => void } {
  const [models, setModels] = useState<readonly string[]>([]);
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let isGone = false;
    rest.models().then(
      list => isGone || setModels(list.models.map(model => model.id)),
      () => undefined // They can be typed.
    );
    return () => {
      isGone = true;
    };
  }, [rest, times]);
  return { models, again: () => setTimes(count => count + 1) };
}

export type CompareTab = MainAreaWidget<CompareDocument>;

/** A comparison in a frame that JupyterLab can dock. */
export function compareTab(...given: ConstructorParameters<typeof CompareDocument>): CompareTab {
  const content = new CompareDocument(...given);
  const tab = new MainAreaWidget({ content });
  tab.id = `${content.id}-tab`;
  tab.toolbar.hide();
  return tab;
}
