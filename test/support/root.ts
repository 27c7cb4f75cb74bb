import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * Absolute path of the checkout. It is looked for rather than counted in `..`, since tests run
 * compiled from dist/ as well as from their source.
 */
export function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${import.meta.dirname}`);
    folder = parent;
  }
  return folder;
}
