/**
 * The costliest functions of a profile by the time spent in themselves, with the places of the sources.
 * Source: the `Profile` of the DevTools protocol, which `node --cpu-prof` writes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** Both count from 0. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** Id of the node that was running, and microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface FunctionCost {
  readonly name: string;
  /** File and line of the source. */
  readonly place: string;
  /** Of the time not spent waiting, 0 to 1. */
  readonly share: number;
}

export interface ProfileSummary {
  /** Costliest first. */
  readonly functions: readonly FunctionCost[];
  readonly waitingShare: number;
  /** Whether it is of the thread that moves packets. */
  readonly isDataPlane: boolean;
}

/** The data plane's thread sleeps here only, and no other thread does. */
const WAITING = /^\S+ src\/dataplane\/native\/poller\.ts/;
const IDLE = '(idle)';

/** Where functions of bundled files are in the sources. */
class Places {
  readonly #maps = new Map<string, SourceMap | null>();

  of({ url, lineNumber, columnNumber }: CallFrame): string {
    if (!url.startsWith('file:')) return url;
    const entry = this.#mapOf(url)?.findEntry(lineNumber, columnNumber);
    if (entry === undefined || !('originalSource' in entry)) return url.replace(/^.*\//, '');
    // Paths in the map are relative to the bundle: only the part below the project says something.
    const source = entry.originalSource.replace(/^.*?(?=(?:overlay|src|dhcp)\/)/, '');
    return `${source}:${String(entry.originalLine + 1)}`;
  }

  #mapOf(url: string): SourceMap | null {
    const known = this.#maps.get(url);
    if (known !== undefined) return known;
    const file = `${fileURLToPath(url)}.map`;
    const map = existsSync(file)
      ? new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload)
      : null;
    this.#maps.set(url, map);
    return map;
  }
}

/** Microseconds of each function by itself, by `name place`. */
function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const places = new Places();
  const keys = new Map(
    nodes.map(({ id, callFrame }) => {
      const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName;
      return [id, `${name} ${places.of(callFrame)}`];
    }),
  );
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const key = keys.get(id) ?? '(unknown) ';
    times.set(key, (times.get(key) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

/** @param file as `node --cpu-prof` wrote it */
export function summarise(file: string): ProfileSummary {
  const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as Profile);
  const entries = [...times].sort(([, a], [, b]) => b - a);
  const isWaiting = (key: string): boolean => WAITING.test(key) || key.startsWith(IDLE);
  const sum = (of: typeof entries): number => of.reduce((total, [, us]) => total + us, 0);
  const waitingUs = sum(entries.filter(([key]) => isWaiting(key)));
  const totalUs = sum(entries);
  const functions = entries
    .filter(([key]) => !isWaiting(key))
    .map(([key, us]) => {
      const blank = key.lastIndexOf(' ');
      const [name, place] = [key.slice(0, blank), key.slice(blank + 1)];
      return { name, place, share: us / (totalUs - waitingUs) };
    });
  return {
    functions,
    waitingShare: waitingUs / totalUs,
    isDataPlane: entries.some(([key]) => WAITING.test(key)),
  };
}
