/** The outputs of a tool call, as a notebook shows them; nothing in them runs. */

import { memo, useMemo } from 'react';

import { Rendered } from '../markdown/Rendered';
import type { Artifact, DataOutput, Output } from '../protocol';
import { Fence } from './Fence';
import { useHost } from './host';
import { Reachable } from './Reachable';

export interface OutputsProps {
  readonly outputs: readonly Output[];
  readonly artifacts: readonly Artifact[];
}

export const Outputs = memo(function Outputs({ outputs, artifacts }: OutputsProps): JSX.Element {
  return (
    <div className="jcs-Outputs">
      {outputs.map((output, index) => (
        <Fence key={index} instead={error => <pre className="jcs-Tool-plain">{error.message}</pre>}>
          <OutputView output={output} artifacts={artifacts} />
        </Fence>
      ))}
    </div>
  );
});

interface OutputViewProps {
  readonly output: Output;
  readonly artifacts: readonly Artifact[];
}

const OutputView = memo(function OutputView({ output, artifacts }: OutputViewProps): JSX.Element | null {
  const { trans } = useHost();
  switch (output.output_type) {
    case 'stream':
      return (
        <Reachable
          className={`jcs-Output jcs-Output-text jcs-mod-${output.name === 'stderr' ? 'stderr' : 'stdout'}`}
          label={trans.__('Output')}
          startsAtEnd
        >
          <Rendered
            mimeType={`application/vnd.jupyter.${output.name === 'stderr' ? 'stderr' : 'stdout'}`}
            value={joined(output.text)}
          />
        </Reachable>
      );
    case 'error': {
      const traceback = output.traceback.join('\n') || `${output.ename}: ${output.evalue}`;
      return (
        <Reachable className="jcs-Output jcs-Output-text jcs-mod-error" label={trans.__('Error')} startsAtEnd>
          <Rendered mimeType="application/vnd.jupyter.stderr" value={traceback} />
        </Reachable>
      );
    }
    default:
      return output.data ? <DataView output={output} artifacts={artifacts} /> : null;
  }
});

function DataView({
  output,
  artifacts
}: {
  output: DataOutput;
  artifacts: readonly Artifact[];
}): JSX.Element | null {
  const { rendermime, resolve, trans } = useHost();
  const path = output.metadata?.artifact;
  const url = output.metadata?.url ?? artifacts.find(each => each.path === path)?.url;
  const data = useMemo(
    () => Object.fromEntries(Object.entries(output.data).map(([type, value]) => [type, joined(value)])),
    [output.data]
  );
  if (path !== undefined) {
    return (
      <figure className="jcs-Output jcs-Output-image">
        {url === undefined ? (
          <span className="jcs-Output-wait">{trans.__('Image %1', path)}</span>
        ) : (
          <a href={resolve(url)} target="_blank" rel="noopener noreferrer" title={path}>
            <img src={resolve(url)} alt={altOf(data['text/plain'], path)} loading="lazy" />
          </a>
        )}
      </figure>
    );
  }
  const mimeType = rendermime.preferredMimeType(data as never, 'ensure');
  if (mimeType === undefined) {
    return null;
  }
  return (
    <Reachable
      className={`jcs-Output${mimeType === 'text/plain' ? ' jcs-Output-text' : ''}`}
      label={trans.__('Output')}
    >
      <Rendered mimeType={mimeType} value={data[mimeType]} />
    </Reachable>
  );
}

function altOf(text: unknown, path: string): string {
  return typeof text === 'string' && text !== '' ? `${path} ${text}` : path;
}

/** nbformat's text, whole; other data as it is. */
function joined(value: unknown): unknown {
  return Array.isArray(value) && value.every(line => typeof line === 'string') ? value.join('') : value;
}
