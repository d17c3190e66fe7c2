/** What was sent to a provider for an answer, request by request. */

import type { SentMessage, SentRequest } from '../client/rest';
import { useHost } from './host';
import { useLoaded } from './useLoaded';

export interface RequestsProps {
  readonly load: () => Promise<readonly SentRequest[]>;
}

export function Requests({ load }: RequestsProps): JSX.Element {
  const { trans, locale } = useHost();
  const { value, failure } = useLoaded(load);
  if (failure) {
    return <p role="alert">{failure}</p>;
  }
  if (value === null) {
    return <p role="status">{trans.__('Loading…')}</p>;
  }
  if (value.length === 0) {
    return <p>{trans.__('The requests of this answer are not kept any more.')}</p>;
  }
  return (
    <div className="jcs-Requests">
      {value.map(({ sent, body }, index) => (
        <details key={`${sent}:${index}`} open={index === value.length - 1}>
          <summary>
            {trans.__('Request %1 of %2', index + 1, value.length)} · {body.model} ·{' '}
            {new Date(sent * 1000).toLocaleTimeString(locale)}
          </summary>
          {body.messages.map((message, place) => (
            <details key={place} className="jcs-Request">
              <summary>
                <b>{message.role}</b> <span>{beginningOf(message)}</span>
              </summary>
              <pre>{wordsOf(message)}</pre>
            </details>
          ))}
          <details className="jcs-Request">
            <summary>
              <b>{trans.__('all of it')}</b> {trans.__('as JSON, with %1 tools', body.tools?.length ?? 0)}
            </summary>
            <pre>{JSON.stringify(body, null, 1)}</pre>
          </details>
        </details>
      ))}
    </div>
  );
}

function wordsOf(message: SentMessage): string {
  const { content } = message;
  const rest = { ...message, role: undefined, content: undefined };
  const more = JSON.stringify(rest, null, 1);
  const words = typeof content === 'string' ? content : content ? JSON.stringify(content, null, 1) : '';
  return [words, more === '{}' ? '' : more].filter(Boolean).join('\n\n');
}

function beginningOf(message: SentMessage): string {
  return wordsOf(message).slice(0, 120).replace(/\s+/g, ' ');
}
