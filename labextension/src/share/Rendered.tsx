/**
 * Data as the page of a shared thread shows it, where there is no JupyterLab: Markdown as elements, all else as text.
 *
 * The rule kept here: nothing a message says becomes HTML. The bundle of that page has this module in the place of
 * `markdown/Rendered`.
 */

import { lexer } from 'marked';
import type { Token, Tokens } from 'marked';
import { Fragment, memo } from 'react';
import type { ReactNode } from 'react';

import type { RenderedProps } from '../markdown/Rendered';

/** One piece of data. */
export const Rendered = memo(function Rendered({ mimeType, value }: RenderedProps): JSX.Element {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
  if (mimeType !== 'text/markdown') {
    return (
      <div className="jcs-Rendered">
        <pre>{withoutColours(text)}</pre>
      </div>
    );
  }
  return <div className="jcs-Rendered">{blocks(lexer(text))}</div>;
});

/** Terminal text without the sequences that colour it. */
export function withoutColours(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
}

function each(tokens: readonly Token[] | undefined, show: (token: Token) => ReactNode): ReactNode {
  return tokens?.map((token, index) => <Fragment key={index}>{show(token)}</Fragment>);
}

function blocks(tokens: readonly Token[] | undefined): ReactNode {
  return each(tokens, block);
}

function words(tokens: readonly Token[] | undefined): ReactNode {
  return each(tokens, inline);
}

function block(token: Token): ReactNode {
  switch (token.type) {
    case 'heading': {
      const Heading = `h${Math.min(6, (token as Tokens.Heading).depth)}` as 'h1';
      return <Heading>{words(token.tokens)}</Heading>;
    }
    case 'paragraph':
      return <p>{words(token.tokens)}</p>;
    case 'code':
      return (
        <pre>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case 'blockquote':
      return <blockquote>{blocks(token.tokens)}</blockquote>;
    case 'list':
      return list(token as Tokens.List);
    case 'table':
      return table(token as Tokens.Table);
    case 'hr':
      return <hr />;
    case 'space':
    case 'def':
      return null;
    default:
      return inline(token);
  }
}

function list({ ordered, start, items }: Tokens.List): ReactNode {
  const shown = items.map((item, index) => (
    <li key={index}>
      {item.task && <input type="checkbox" checked={item.checked ?? false} disabled readOnly />}
      {blocks(item.tokens)}
    </li>
  ));
  return ordered ? <ol start={start === '' ? 1 : start}>{shown}</ol> : <ul>{shown}</ul>;
}

function table({ header, rows }: Tokens.Table): ReactNode {
  return (
    <table>
      <thead>
        <tr>
          {header.map((cell, index) => (
            <th key={index}>{words(cell.tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={column}>{words(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inline(token: Token): ReactNode {
  switch (token.type) {
    case 'strong':
      return <strong>{words(token.tokens)}</strong>;
    case 'em':
      return <em>{words(token.tokens)}</em>;
    case 'del':
      return <del>{words(token.tokens)}</del>;
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return <Away to={(token as Tokens.Link).href}>{words(token.tokens)}</Away>;
    case 'image': // a picture from elsewhere would tell that address who reads
      return <Away to={(token as Tokens.Image).href}>{(token as Tokens.Image).text || token.raw}</Away>;
    case 'text':
      return token.tokens ? words(token.tokens) : (token as Tokens.Text).text;
    case 'escape':
      return (token as Tokens.Escape).text;
    default:
      return token.raw;
  }
}

/** A link that leaves the page; one that would do anything else is only its words. */
function Away({ to, children }: { readonly to: string; readonly children: ReactNode }): JSX.Element {
  return /^(?:https?|mailto):/i.test(to) ? (
    <a href={to} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ) : (
    <>{children}</>
  );
}
