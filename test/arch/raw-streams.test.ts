/**
 * Goal: the traps of libp2p's streams stay inside src/io/libp2p.
 *
 * Method: lines that fall into them are linted, with types, as if they stood in a file of src/io.
 */
import path from 'node:path';
import { expect } from 'chai';
import { ESLint } from 'eslint';
import { repositoryRoot } from '../support/root.js';

const ROOT = repositoryRoot();
const RULE = 'overlay/no-raw-streams';

describe('raw libp2p streams', () => {
  const eslint = new ESLint({
    cwd: ROOT,
    overrideConfig: {
      files: ['**/*.ts'],
      languageOptions: {
        parserOptions: {
          projectService: {
            allowDefaultProject: ['src/io/*.test-only.ts', 'src/io/libp2p/*.test-only.ts'],
            defaultProject: 'tsconfig.json',
          },
        },
      },
    },
  });

  async function complaints(folder: string, body: string): Promise<readonly string[]> {
    const text =
      "import type { Stream } from '@libp2p/interface';\n" +
      'export async function planted(any: Stream, other: AsyncIterable<number>): Promise<void> {\n' +
      `  ${body}\n  void other;\n  void any;\n}\n`;
    const filePath = path.join(ROOT, folder, 'planted.test-only.ts');
    const [result] = await eslint.lintText(text, { filePath });
    const messages = result?.messages ?? [];
    expect(messages.filter((message) => message.fatal === true)).to.deep.equal([]);
    return messages.filter(({ ruleId }) => ruleId === RULE).map(({ message }) => message);
  }

  it('waiting by onDrain is refused', async () => {
    expect((await complaints('src/io', 'await any.onDrain();')).join()).to.include('works once');
  });

  it('reading by for await is refused', async () => {
    const found = await complaints('src/io', 'for await (const chunk of any) void chunk;');
    expect(found.join()).to.include('no backpressure');
  });

  it('for await over anything else is accepted', async () => {
    const found = await complaints('src/io', 'for await (const reply of other) void reply;');
    expect(found).to.deep.equal([]);
  });

  it('the helpers of src/io/libp2p may', async () => {
    const found = await complaints('src/io/libp2p', 'for await (const chunk of any) void chunk;');
    expect(found).to.deep.equal([]);
  });
});
