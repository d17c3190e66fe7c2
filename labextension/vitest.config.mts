import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    // JupyterLab's packages are published for bundlers: their imports need Vite to be resolved.
    server: { deps: { inline: [/@jupyterlab/, /@lumino/, /@jupyter\//, /@microsoft/] } }
  }
});
