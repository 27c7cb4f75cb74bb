/**
 * Goal: pure code cannot reach time, randomness or the platform by itself, only by its ports.
 *
 * Method: the pure folders must compile without the platform's types. Then lines that reach around
 * the ports are planted, in memory, next to the real sources: the compiler must refuse those that
 * name the platform, and the linter those that are part of the language (`Date`, `Math.random`).
 */
import path from 'node:path';
import { expect } from 'chai';
import { ESLint } from 'eslint';
import ts from 'typescript';
import tseslint from 'typescript-eslint';
import { repositoryRoot } from '../support/root.js';

const ROOT = repositoryRoot();
const PURE_FOLDERS = ['overlay', 'dhcp', 'src/node'];

const REFUSED_BY_COMPILER: readonly string[] = [
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'queueMicrotask(() => {})',
  'Buffer.alloc(1)',
  'process.hrtime()',
  'console.log(1)',
  'performance.now()',
  'crypto.getRandomValues(new Uint8Array(1))',
  'new TextEncoder()',
  'new TextDecoder()',
  'new AbortController()',
  'new URL("http://a")',
  'fetch("http://a")',
  'import("node:fs")',
];

const REFUSED_BY_LINTER: readonly string[] = [
  ...REFUSED_BY_COMPILER.slice(0, 12),
  'Date.now()',
  'new Date()',
  'Math.random()',
  'globalThis.Math.random()',
  'globalThis.Date.now()',
];

/** Near misses of the above that pure code has a right to. */
const ACCEPTED: readonly string[] = [
  'Math.max(1, 2)',
  '((clock: { now(): number }) => clock.now())({ now: () => 1 })',
  'new Uint8Array(1)',
  'Promise.resolve(1)',
];

/** One planted file for a line. The name cannot be that of a real file. */
function plantedFile(folder: string, index: number): string {
  return path.join(ROOT, folder, `planted-${index}.test-only.ts`);
}

function compile(planted: ReadonlyMap<string, string>): ts.Program {
  const configFile = path.join(ROOT, 'tsconfig.pure.json');
  const { config, error } = ts.readConfigFile(configFile, (file) => ts.sys.readFile(file)) as {
    config: unknown;
    error?: ts.Diagnostic;
  };
  if (error !== undefined) throw new Error(readable(error));
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  expect(parsed.errors.map(readable)).to.deep.equal([]);
  const disk = ts.createCompilerHost(parsed.options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => planted.has(file) || disk.fileExists(file),
    readFile: (file) => planted.get(file) ?? disk.readFile(file),
    getSourceFile: (file, languageVersion, ...rest) => {
      const text = planted.get(file);
      return text === undefined
        ? disk.getSourceFile(file, languageVersion, ...rest)
        : ts.createSourceFile(file, text, languageVersion, true);
    },
  };
  return ts.createProgram([...parsed.fileNames, ...planted.keys()], parsed.options, host);
}

function readable(diagnostic: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
  return `${path.relative(ROOT, diagnostic.file?.fileName ?? '')}: ${text}`;
}

function statement(expression: string): string {
  return `export const planted: unknown = ${expression};\n`;
}

describe('purity of overlay, dhcp and src/node', () => {
  describe('by the compiler', () => {
    const lines = [...REFUSED_BY_COMPILER, ...ACCEPTED];
    const fileOf = (line: string): string => plantedFile('overlay', lines.indexOf(line));
    let program: ts.Program;

    before(() => {
      program = compile(new Map(lines.map((line) => [fileOf(line), statement(line)])));
    });

    function complaints(line: string): readonly string[] {
      const source = program.getSourceFile(fileOf(line));
      expect(source?.text).to.equal(statement(line));
      return program.getSemanticDiagnostics(source).map(readable);
    }

    it('the sources compile without the types of any platform', () => {
      const sources = program
        .getSourceFiles()
        .filter((source) => !source.fileName.includes('.test-only.'));
      const ours = sources.filter(({ fileName }) =>
        PURE_FOLDERS.some((folder) => fileName.startsWith(path.join(ROOT, folder, path.sep))),
      );
      expect(ours).to.have.length.greaterThan(5);
      const found = ours.flatMap((source) => [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ]);
      expect([...program.getGlobalDiagnostics(), ...found].map(readable)).to.deep.equal([]);
    });

    it('no package brings the types of a platform along', () => {
      const platform = program
        .getSourceFiles()
        .map(({ fileName }) => fileName)
        .filter((name) => /@types\/|lib\.(dom|webworker|scripthost)/.test(name));
      expect(platform).to.deep.equal([]);
    });

    for (const line of REFUSED_BY_COMPILER) {
      it(`refuses ${line}`, () => {
        expect(complaints(line).join()).to.match(/Cannot find (name|module)/);
      });
    }

    for (const line of ACCEPTED) {
      it(`accepts ${line}`, () => {
        expect(complaints(line)).to.deep.equal([]);
      });
    }
  });

  describe('by the linter', () => {
    // The planted files are no part of the project, so the rules that need types cannot run on them.
    const eslint = new ESLint({
      cwd: ROOT,
      overrideConfig: [
        { ...tseslint.configs.disableTypeChecked, files: ['**/*.ts'] },
        {
          files: ['**/*.ts'],
          languageOptions: { parserOptions: { projectService: false } },
        },
      ] as ESLint.Options['overrideConfig'],
    });

    async function complaints(folder: string, line: string): Promise<readonly string[]> {
      const [result] = await eslint.lintText(statement(line), { filePath: plantedFile(folder, 0) });
      const messages = result?.messages ?? [];
      expect(messages.filter((message) => message.fatal === true)).to.deep.equal([]);
      return messages
        .map((message) => message.ruleId ?? '')
        .filter((rule) => rule.startsWith('no-restricted-'));
    }

    for (const folder of PURE_FOLDERS) {
      for (const line of REFUSED_BY_LINTER) {
        it(`refuses ${line} in ${folder}`, async () => {
          expect(await complaints(folder, line)).to.not.deep.equal([]);
        });
      }
      for (const line of ACCEPTED) {
        it(`accepts ${line} in ${folder}`, async () => {
          expect(await complaints(folder, line)).to.deep.equal([]);
        });
      }
    }

    it('refuses Date.now() and Math.random() in sim, which must repeat from its seed', async () => {
      expect(await complaints('sim', 'Date.now()')).to.not.deep.equal([]);
      expect(await complaints('sim', 'Math.random()')).to.not.deep.equal([]);
    });

    it('accepts Date.now() where the ports are implemented', async () => {
      expect(await complaints('src/io', 'Date.now()')).to.deep.equal([]);
    });
  });
});
