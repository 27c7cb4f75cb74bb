/** The version of the program, from the package it is in. */
import { readFileSync } from 'node:fs';

/** The package's own file, as seen from the source, from `dist/src/` and from the bundle's parts. */
const PACKAGE_FILES = ['../../../package.json', '../../../../package.json', '../../package.json'];

/** The version in `package.json`, or `unknown` if the program was taken out of its package. */
export function packageVersion(): string {
  for (const file of PACKAGE_FILES) {
    try {
      const value: unknown = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
      if (typeof value !== 'object' || value === null) continue;
      if (!('name' in value && 'version' in value) || value.name !== 'overlay') continue;
      return String(value.version);
    } catch {
      // Not there: try the next.
    }
  }
  return 'unknown';
}
