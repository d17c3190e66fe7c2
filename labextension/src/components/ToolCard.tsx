/** A tool call: what was asked, how it goes, what came out, which files it left. */

import { caretDownIcon, caretRightIcon, downloadIcon, fileIcon } from '@jupyterlab/ui-components';
import { memo, useId, useMemo, useState } from 'react';

import { Markdown } from '../markdown/Markdown';
import type { Artifact, CallInFlight, Output, ToolMessage } from '../protocol';
import { textOf } from '../store/turns';
import { argumentsOf } from './arguments';
import { useHost } from './host';
import { Outputs } from './Outputs';
import { lasting, sized } from './time';

export interface ToolCardProps {
  readonly name: string;
  /** JSON text, perhaps not whole yet. */
  readonly args: string;
  /** The call while it runs; `null` before and after. */
  readonly live: CallInFlight | null;
  /** What a running call says it is doing. */
  readonly status: string;
  readonly result: ToolMessage | null;
  /** Whether its run has ended, so that nothing more will come. */
  readonly isOver: boolean;
  /** Whether someone stopped it: what it says then is no failure. */
  readonly isStopped: boolean;
  /** Whether its code is the question itself, so that it is not shown again. */
  readonly isEcho: boolean;
}

type State = 'writing' | 'waiting' | 'running' | 'done' | 'failed' | 'stopped';

const NOTHING: readonly never[] = [];

export const ToolCard = memo(function ToolCard(props: ToolCardProps): JSX.Element {
  const { trans, locale } = useHost();
  const [isOpen, setOpen] = useState(true);
  const body = useId();
  const { result, live } = props;
  const state = stateOf(props);
  const { code, others } = useMemo(() => argumentsOf(props.args), [props.args]);
  const record = result?.metadata?.jupyter;
  const outputs: readonly Output[] = record?.outputs ?? live?.outputs ?? NOTHING;
  const artifacts: readonly Artifact[] = record?.artifacts ?? NOTHING;
  const shown = new Set(
    outputs.map(output => ('metadata' in output ? output.metadata?.artifact : undefined))
  );
  const files = artifacts.filter(each => !shown.has(each.path));
  const words = {
    writing: trans.__('Writing…'),
    waiting: trans.__('Waiting'),
    running: props.status || trans.__('Running…'),
    done: record?.duration_ms === undefined ? trans.__('Done') : lasting(record.duration_ms, locale),
    failed: trans.__('Failed'),
    stopped: trans.__('Stopped')
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
      </button>
      {isOpen && (
        <div id={body} className="jcs-Tool-body">
          {code && !props.isEcho && <Code {...code} isWhole={state !== 'writing'} />}
          {others && <pre className="jcs-Tool-args">{others}</pre>}
          {record?.kernel?.fresh &&
            record.kernel.reason !== undefined &&
            record.kernel.reason !== 'first' && (
              <p className="jcs-Tool-note">
                {trans.__('Python was started anew: earlier variables are gone.')}
              </p>
            )}
          {outputs.length > 0 && <Outputs outputs={outputs} artifacts={artifacts} />}
          {result && outputs.length === 0 && !result.error && textOf(result.content) && (
            <pre className="jcs-Tool-plain">{textOf(result.content)}</pre>
          )}
          {result?.error && state === 'failed' && !hasError(outputs) && (
            <p className="jcs-Tool-error">{result.error}</p>
          )}
          {files.length > 0 && <Files files={files} />}
        </div>
      )}
    </section>
  );
});

function stateOf({ result, live, isOver, isStopped }: ToolCardProps): State {
  if (isStopped && result?.error) {
    return 'stopped';
  }
  if (result) {
    return result.error || hasError(result.metadata?.jupyter?.outputs ?? NOTHING) ? 'failed' : 'done';
  }
  if (isOver) {
    return 'stopped';
  }
  return live?.status === 'writing' ? 'writing' : live?.status === 'running' ? 'running' : 'waiting';
}

function hasError(outputs: readonly Output[]): boolean {
  return outputs.some(output => output.output_type === 'error');
}

/** `run_python` as "Run python". */
function titleOf(name: string): string {
  const words = name.replace(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Code; highlighted once it is whole. */
function Code({
  text,
  language,
  isWhole
}: {
  text: string;
  language: string;
  isWhole: boolean;
}): JSX.Element {
  const { trans } = useHost();
  const fence = '`'.repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map(ticks => ticks.length + 1)));
  return (
    <div className="jcs-Tool-code" tabIndex={0} role="region" aria-label={trans.__('Code')}>
      {isWhole ? <Markdown text={`${fence}${language}\n${text}\n${fence}`} /> : <pre>{text}</pre>}
    </div>
  );
}

function Files({ files }: { files: readonly Artifact[] }): JSX.Element {
  const { trans, resolve, locale } = useHost();
  return (
    <ul className="jcs-Files" aria-label={trans.__('Files')}>
      {files.map(file => (
        <li key={file.path}>
          {file.url === undefined ? (
            <span className="jcs-File">
              <fileIcon.react tag="span" />
              {file.path}
            </span>
          ) : (
            <a
              className="jcs-File"
              href={resolve(file.url)}
              download={file.path.split('/').pop()}
              title={trans.__('Download %1', file.path)}
            >
              <fileIcon.react tag="span" />
              <span className="jcs-File-name">{file.path}</span>
              <span className="jcs-File-size">{sized(file.size, locale)}</span>
              <downloadIcon.react tag="span" />
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}
