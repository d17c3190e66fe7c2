// The page of a shared thread: the chat's own components in one script, with no JupyterLab around them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, URL } from 'node:url';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const ICONS = '@jupyterlab/ui-components';

/** Puts what the page has instead in the place of what only JupyterLab has. */
const withoutJupyterLab = {
  name: 'without-jupyterlab',
  resolveId(source, importer = '') {
    if (source === ICONS) {
      return '\0icons';
    }
    if (source.endsWith('/labicon') || (source === './icons' && importer === '\0icons')) {
      return here('src/share/icons.tsx');
    }
    if (/(^|\/)Rendered$/.test(source) && importer.includes('/src/') && !importer.includes('/src/share/')) {
      return here('src/share/Rendered.tsx');
    }
    return null;
  },
  load(id) {
    // JupyterLab's list of drawings, without the components beside it.
    return id === '\0icons'
      ? `export * from ${JSON.stringify(here(`node_modules/${ICONS}/lib/icon/iconimports.js`))};
         export { LabIcon } from './icons';`
      : null;
  },
  generateBundle() {
    const source = ['style/base.css', 'style/share.css']
      .map(path => readFileSync(here(path), 'utf8'))
      .join('\n');
    this.emitFile({ type: 'asset', fileName: 'shared.css', source });
  }
};

/** Tells whose code is in the script, and under which licence, as the script beside JupyterLab does. */
const withLicences = {
  name: 'with-licences',
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap(chunk => chunk.moduleIds ?? []);
    const folders = modules.map(id => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0]);
    const packages = [...new Set(folders.filter(Boolean))].sort().map(folder => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each));
      const extractedText = file ? readFileSync(join(folder, file), 'utf8') : '';
      return { name, versionInfo: version, licenseId: license, extractedText };
    });
    const source = JSON.stringify({ packages }, null, 2);
    this.emitFile({ type: 'asset', fileName: 'third-party-licenses.json', source });
  }
};

export default {
  input: { shared: here('src/share/index.tsx') },
  platform: 'browser',
  moduleTypes: { '.svg': 'text' },
  transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  treeshake: { manualPureFunctions: ['LabIcon'] },
  plugins: [withoutJupyterLab, withLicences],
  output: {
    dir: here('../jupyter_chat_sessions/labextension/share'),
    entryFileNames: '[name].js',
    minify: true,
    comments: { legal: true }
  }
};
