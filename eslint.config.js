import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import noRawStreams from './scripts/lint/no-raw-streams.mjs';

const PURE = ['overlay/**/*.ts', 'dhcp/**/*.ts', 'src/node/**/*.ts'];
const PRODUCT = ['overlay/**/*.ts', 'dhcp/**/*.ts', 'src/**/*.ts', 'sim/**/*.ts'];

const USE_CLOCK =
  'Time is an argument or comes by the Clock port, so that a simulated run repeats.';
const USE_RNG = 'Randomness comes by the Rng port, so that a run repeats from its seed.';
const USE_CRYPTO = 'Use the Crypto and Rng ports.';
const USE_BYTES = 'Use overlay/base/bytes.ts: pure code knows only Uint8Array.';
const USE_SIGNAL = 'Use Signal and Canceller of overlay/base/signal.ts.';
const USE_LOGGER = 'Use the Logger port.';
const USE_PORT = 'Pure code reaches the world only by the ports in overlay/ports.ts.';

const AMBIENT_CHANCE = [
  { name: 'Date', message: USE_CLOCK },
  { name: 'performance', message: USE_CLOCK },
  { name: 'crypto', message: USE_CRYPTO },
];

// The compiler refuses most of these as well; here they get a message that names the replacement.
const AMBIENT_PLATFORM = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => ({
    name,
    message: USE_CLOCK,
  })),
  ...['Buffer', 'TextEncoder', 'TextDecoder'].map((name) => ({ name, message: USE_BYTES })),
  ...['AbortController', 'AbortSignal'].map((name) => ({ name, message: USE_SIGNAL })),
  { name: 'console', message: USE_LOGGER },
  { name: 'process', message: USE_PORT },
  // Otherwise everything above could be had by the back door.
  { name: 'globalThis', message: USE_PORT },
];

const MATH_RANDOM = { object: 'Math', property: 'random', message: USE_RNG };

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '**/node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { overlay: { rules: { 'no-raw-streams': noRawStreams } } },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Numbers read well in messages; objects and null do not, and stay refused.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A listener that does nothing is a statement of its own; a method that does nothing is not.
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // A signal's reason is unknown by its nature, and is passed on as it came.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingUnknown: true, allowRethrowing: true },
      ],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // Twins of slow ports answer at once, and `async` still turns what they throw into a rejection.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  {
    files: PRODUCT,
    rules: {
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 90 }],
    },
  },
  {
    files: PURE,
    rules: {
      'no-restricted-globals': ['error', ...AMBIENT_CHANCE, ...AMBIENT_PLATFORM],
      'no-restricted-properties': ['error', MATH_RANDOM],
    },
  },
  {
    // The simulator may yield to the event loop, but a seed must fix all that happens.
    files: ['sim/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...AMBIENT_CHANCE],
      'no-restricted-properties': ['error', MATH_RANDOM],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['src/io/libp2p/**'],
    rules: { 'overlay/no-raw-streams': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // chai's assertions are properties: `expect(x).to.be.true`.
      '@typescript-eslint/no-unused-expressions': 'off',
      // Spies and gates are compared and handed on as they are.
      '@typescript-eslint/unbound-method': 'off',
      // Tests hand in what the types forbid, on purpose.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      // Inputs of a test are known to be there; a wrong guess fails the test.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': ['error', { max: 600 }],
    },
  },
  {
    // These talk to a person at a terminal.
    files: ['src/cli/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
      },
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { module: 'writable' } },
  },
);
