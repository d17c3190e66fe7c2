import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import typescript from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['lib/', 'node_modules/', '.yarn/']),
  js.configs.recommended,
  typescript.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}', 'tests/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.check.json' } },
    rules: {
      ...hooks.configs.recommended.rules,
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      curly: 'error',
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Ids come from src/ids.ts.' },
        {
          object: 'crypto',
          property: 'randomUUID',
          message: 'Missing on plain http; ids come from src/ids.ts.'
        }
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true }
      ]
    }
  }
);
