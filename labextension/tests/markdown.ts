/** JupyterLab's Markdown parser comes from an extension; this one is the same library without its plug-ins. */

import type { IMarkdownParser } from '@jupyterlab/rendermime';
import { marked } from 'marked';

/** A parser that tells of each rendering. */
export function createMarkdownParser(onRender: (source: string) => void): IMarkdownParser {
  return {
    render: async source => {
      onRender(source);
      return marked.parse(source);
    }
  };
}
