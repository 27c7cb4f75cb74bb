/**
 * Measures the overlay beside what else connects hosts, on the same hosts in the same run.
 *
 *   node main.js [--only network,tunnels,shaped,voice,simulator] [--small] [--profile] [--write]
 *
 * `--small` only shows that everything works; `--profile` adds what the data plane spends its time on to
 * the tunnels; `--write` puts the tables into docs/BENCHMARKS.md. A part that fails does not end the run.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../overlay/base/errors.js';
import { surroundings, writeSection } from './document.js';
import { SHAPED_PART } from './links/shaped.js';
import { VOICE_PART } from './links/voice.js';
import { NETWORK_PART } from './network/part.js';
import type { Part } from './part.js';
import { SIMULATOR_PART } from './sim/part.js';
import { FULL, SMALL } from './size.js';
import { TUNNELS_PART } from './tunnels/part.js';

const PARTS: readonly Part[] = [
  NETWORK_PART,
  TUNNELS_PART,
  SHAPED_PART,
  VOICE_PART,
  SIMULATOR_PART,
];

function say(line: string): void {
  console.log(line);
}

/** @throws Error for a name that no part has */
function chosen(only: string | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  return only.split(',').map((name) => {
    const part = PARTS.find((candidate) => candidate.name === name);
    if (part !== undefined) return part;
    throw new Error(`no part ${name}: there are ${PARTS.map((known) => known.name).join(', ')}`);
  });
}

/** @returns whether the part could be measured */
async function run(part: Part, flags: Flags): Promise<boolean> {
  say(`== ${part.name}`);
  const size = flags.small ? SMALL : FULL;
  const startMs = performance.now();
  try {
    const found = await part.run(size, { say, profile: flags.profile });
    const minutes = ((performance.now() - startMs) / 60_000).toFixed(1);
    const text = `${surroundings(`${size.label}, ${minutes} minutes`)}\n\n${found}`;
    say(`\n${text}\n`);
    if (flags.write) say(`written to ${writeSection(part.name, text)}`);
    return true;
  } catch (error) {
    console.error(`bench: ${part.name} failed: ${messageOf(error)}`);
    return false;
  }
}

interface Flags {
  readonly only: string | undefined;
  readonly small: boolean;
  readonly profile: boolean;
  readonly write: boolean;
}

function flagsOf(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      small: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  return { ...values, only: values.only };
}

try {
  const flags = flagsOf(process.argv.slice(2));
  for (const part of chosen(flags.only)) {
    if (!(await run(part, flags))) process.exitCode = 1;
  }
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}
