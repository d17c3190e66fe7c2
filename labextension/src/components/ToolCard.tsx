/** A tool call: what was asked, how it goes, what came out, which files it left. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { memo, useId, useMemo } from 'react';

import type { Artifact, CallInFlight, Output, ToolMessage } from '../protocol';
import { textOf } from '../store/turns';
import { argumentsOf, titleOf } from './arguments';
import { Code } from './Code';
import { Diff } from './Diff';
import { Elapsed } from './Elapsed';
import { Files } from './Files';
import { useFold } from './folds';
import { useHost } from './host';
import { Outputs } from './Outputs';
import { Reachable } from './Reachable';
import { lasting } from './time';

export interface ToolCardProps {
  readonly id: string;
  readonly name: string;
  /** JSON text, perhaps not whole yet. */
  readonly args: string;
  /** The call while it runs; `null` before and after. */
  readonly live: CallInFlight | null;
  /** What a running call says it is doing. */
  readonly status: string;
  /** When it began to run, where that is known. */
  readonly since?: string;
  readonly result: ToolMessage | null;
  /** Whether its run has ended, so that nothing more will come. */
  readonly isOver: boolean;
  /** Whether a banner says already that it met a new Python. */
  readonly isRestartTold?: boolean;
  /** Whether its run ended with its server. */
  readonly isInterrupted?: boolean;
  /** Whether someone stopped it: what it says then is no failure. */
  readonly isStopped: boolean;
  /** Whether its code is the question itself, so that it is not shown again. */
  readonly isEcho: boolean;
  /** Whether the words after it say why it failed, so that it does not. */
  readonly isExplained?: boolean;
}

type State = 'writing' | 'waiting' | 'running' | 'done' | 'denied' | 'failed' | 'stopped' | 'interrupted';

/** What a call that a person did not allow says in place of an error. */
const NOT_ALLOWED = 'not allowed';

/** What a call says in place of an error whose server stopped while it ran. */
const INTERRUPTED = /^interrupted\b/;

const NOTHING: readonly never[] = [];

export const ToolCard = memo(function ToolCard(props: ToolCardProps): JSX.Element {
  const { trans, locale } = useHost();
  const [isOpen, setOpen] = useFold(props.id, true);
  const body = useId();
  const { result, live } = props;
  const state = stateOf(props);
  const record = result?.metadata?.jupyter;
  const edited = record?.edited_arguments;
  const args = edited ? JSON.stringify(edited) : props.args;
  const { code, others } = useMemo(() => argumentsOf(args), [args]);
  const outputs: readonly Output[] = record?.outputs ?? live?.outputs ?? NOTHING;
  const artifacts: readonly Artifact[] = record?.artifacts ?? NOTHING;
  const words = {
    writing: trans.__('Writing…'),
    waiting: trans.__('Waiting'),
    running: props.status || trans.__('Running…'),
    done: record?.duration_ms === undefined ? trans.__('Done') : lasting(record.duration_ms, locale),
    denied: trans.__('Denied'),
    failed: trans.__('Failed'),
    stopped: trans.__('Stopped'),
    interrupted: trans.__('Interrupted')
  }[state];
  const Caret = isOpen ? caretDownIcon : caretRightIcon;

  return (
    <section className={`jcs-Tool jcs-mod-${state}`} aria-label={trans.__('Tool %1', props.name)}>
      <button
        type="button"
        className="jcs-Tool-head"
        aria-expanded={isOpen}
        aria-controls={body}
        onClick={() => setOpen(!isOpen)}
      >
        <Caret.react tag="span" className="jcs-Tool-caret" />
        <span className="jcs-Tool-name">{titleOf(props.name)}</span>
        {!isOpen && code && <span className="jcs-Tool-gist">{code.text.trim().split('\n')[0]}</span>}
        <span className="jcs-spring" />
        <span className="jcs-Tool-state">{words}</span>
        {state === 'running' && <Elapsed since={props.since ?? ''} />}
      </button>
      {isOpen && (
        <div id={body} className="jcs-Tool-body">
          {code && !props.isEcho && (
            <div className="jcs-Tool-code" tabIndex={0} role="region" aria-label={trans.__('Code')}>
              {state === 'writing' ? <pre>{code.text}</pre> : <Code {...code} />}
            </div>
          )}
          {record?.diff !== undefined ? (
            <Diff text={record.diff} name={artifacts[0]?.path ?? trans.__('Cell %1', record.cell_id ?? '')} />
          ) : (
            others && (
              <Reachable className="jcs-Tool-args" label={trans.__('Arguments')}>
                {others}
              </Reachable>
            )
          )}
          {edited && <p className="jcs-Tool-note">{trans.__('Changed by you before it ran.')}</p>}
          {!props.isRestartTold &&
            record?.kernel?.fresh &&
            record.kernel.reason !== undefined &&
            record.kernel.reason !== 'first' && (
              <p className="jcs-Tool-note">
                {trans.__('Python was started anew: earlier variables are gone.')}
              </p>
            )}
          {outputs.length > 0 && <Outputs outputs={outputs} artifacts={artifacts} />}
          {result &&
            outputs.length === 0 &&
            (!result.error || state === 'denied') &&
            textOf(result.content) && (
              <Reachable className="jcs-Tool-plain" label={trans.__('Result')}>
                {textOf(result.content)}
              </Reachable>
            )}
          {result?.error && state === 'failed' && !hasError(outputs) && !props.isExplained && (
            <p className="jcs-Tool-error">{result.error}</p>
          )}
          {artifacts.length > 0 && <Files files={artifacts} />}
        </div>
      )}
    </section>
  );
});

function stateOf({ result, live, isOver, isInterrupted, isStopped }: ToolCardProps): State {
  if (isStopped && result?.error) {
    return 'stopped';
  }
  if (result?.error === NOT_ALLOWED) {
    return 'denied';
  }
  if (result?.error && INTERRUPTED.test(result.error)) {
    return 'interrupted';
  }
  if (result) {
    return result.error || hasError(result.metadata?.jupyter?.outputs ?? NOTHING) ? 'failed' : 'done';
  }
  if (isOver) {
    return isInterrupted ? 'interrupted' : 'stopped';
  }
  return live?.status === 'writing' ? 'writing' : live?.status === 'running' ? 'running' : 'waiting';
}

function hasError(outputs: readonly Output[]): boolean {
  return outputs.some(output => output.output_type === 'error');
}
