/** Small programs of the lab itself that run on its hosts, from the sources or compiled alike. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = import.meta.url;

/** Arguments for `node` that run `name` of this folder, with the loader this process runs under. */
export function scriptArgs(name: string, args: readonly string[] = []): readonly string[] {
  const file = fileURLToPath(new URL(`./${name}${extname(HERE)}`, HERE));
  return [...process.execArgv, file, ...args];
}
