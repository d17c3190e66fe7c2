/** A thread without messages: what it is, and three ways to begin. */

import { chatIcon } from '../icons';
import type { AgentInfo } from '../protocol';
import { useHost } from './host';

export interface EmptyStateProps {
  readonly agent: AgentInfo | null;
  readonly onStart: (text: string) => void;
  readonly onConnect: (() => void) | null;
}

interface Starter {
  readonly label: string;
  readonly text: string;
}

export function EmptyState({ agent, onStart, onConnect }: EmptyStateProps): JSX.Element {
  const { trans } = useHost();
  const isModel = agent !== null && agent.kind !== 'none';
  const starters: readonly Starter[] = isModel
    ? [
        { label: trans.__('Look at my data'), text: trans.__('Which files are here, and what is in them?') },
        {
          label: trans.__('Draw a figure'),
          text: trans.__('Draw a damped oscillation and save it as a PNG.')
        },
        { label: trans.__('Explain an error'), text: trans.__('Explain this error and how to mend it:\n\n') }
      ]
    : [
        { label: trans.__('Calculate'), text: 'sum(n * n for n in range(1, 101))' },
        {
          label: trans.__('Draw a figure'),
          text: [
            'import numpy as np',
            'import matplotlib.pyplot as plt',
            '',
            't = np.linspace(0, 6, 300)',
            'plt.plot(t, np.exp(-t / 2) * np.cos(6 * t))',
            'plt.show()'
          ].join('\n')
        },
        { label: trans.__('What can I do here?'), text: '/help' }
      ];
  return (
    <div className="jcs-Empty">
      <chatIcon.react tag="div" className="jcs-Empty-icon" />
      <p>
        {isModel
          ? trans.__('Ask anything. Code runs in this chat’s own folder.')
          : trans.__('Python, shell lines that begin with ! and commands run in this chat’s own folder.')}
      </p>
      {agent !== null && !isModel && (
        <p>
          {trans.__('No AI model is connected.')}{' '}
          {onConnect && (
            <button type="button" className="jcs-Link" onClick={onConnect}>
              {trans.__('Connect one')}
            </button>
          )}
        </p>
      )}
      <ul aria-label={trans.__('Ways to begin')}>
        {starters.map(({ label, text }) => (
          <li key={label}>
            <button type="button" className="jcs-Starter" onClick={() => onStart(text)}>
              <strong>{label}</strong>
              {isModel ? <span>{text.trim()}</span> : <code>{text.trim().split('\n').slice(-2)[0]}</code>}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
