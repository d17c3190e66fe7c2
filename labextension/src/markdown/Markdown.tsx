/**
 * Markdown as JupyterLab renders it (highlighting, formulas, diagrams; sanitised), block by block.
 */

import { memo, useMemo, useState } from 'react';

import { CodeBlock } from '../components/Code';
import { useHost } from '../components/host';
import { Reachable } from '../components/Reachable';
import { blocksOf, codeOf, languageOf, NO_BLOCKS, renderable } from './blocks';
import type { Blocks } from './blocks';
import { partsOf } from './parts';
import { Rendered } from './Rendered';

export interface MarkdownProps {
  readonly text: string;
}

/** Markdown that may grow: blocks that are closed are not rendered again. */
export const Markdown = memo(function Markdown({ text }: MarkdownProps): JSX.Element {
  const sources = useBlocks(text);
  return (
    <div className="jcs-Markdown">
      {sources.map((source, index) => (
        <Block key={index} source={source} />
      ))}
    </div>
  );
});

/** One block; code comes with its buttons. */
const Block = memo(function Block({ source }: { readonly source: string }): JSX.Element {
  const { trans } = useHost();
  const code = codeOf(source);
  return code === null ? (
    <Reachable className="jcs-Wide" label={trans.__('Table or formula')}>
      <Rendered mimeType="text/markdown" value={source} />
    </Reachable>
  ) : (
    <CodeBlock text={code} language={languageOf(source)}>
      {partsOf(source, code).map((part, index) => (
        <Rendered key={index} mimeType="text/markdown" value={part} />
      ))}
    </CodeBlock>
  );
});

/** The blocks of a text, continued from those of the text before it. */
function useBlocks(text: string): readonly string[] {
  const [before, keep] = useState<Blocks>(NO_BLOCKS);
  const blocks = useMemo(() => blocksOf(text, before), [text, before]);
  if (blocks !== before) {
    keep(blocks);
  }
  return useMemo(() => renderable(blocks), [blocks]);
}
