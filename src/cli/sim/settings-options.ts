/** What can be said of a scenario on the command line, and the settings it makes. */
import type { Command } from 'commander';
import type { Scenario } from '../../../sim/scenarios/catalogue.js';
import {
  ALWAYS,
  COMMON,
  poolFor,
  type SettingName,
  type Settings,
} from '../../../sim/scenarios/settings.js';
import { messageOf } from '../../../overlay/base/errors.js';
import { parseDuration } from '../../config/quantity.js';
import { usageError } from '../exit.js';
import { parseLengths } from './lengths-option.js';

/** More would need more memory than any machine has. */
const NODES_MAX = 100_000;
const LOOKUPS_PER_S_MAX = 10_000;
/** Clocks worse than that break what leases are built on. */
const DRIFT_PPM_MAX = 9_999;
const SIDES_MAX = 10;

interface SettingOption {
  readonly flags: string;
  readonly text: string;
  readonly setting: SettingName;
  /** @throws CodedError `usage` */
  readonly parse: (text: string, flag: string) => unknown;
}

function whole(min: number, max: number) {
  return (text: string, flag: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw usageError(`${flag}: '${text}' is no whole number from ${min} to ${max}`);
  };
}

/** A share as `5%` or `0.05`. */
function share(text: string, flag: string): number {
  const [, number, percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const value = Number(number ?? Number.NaN) / (percent === '%' ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw usageError(`${flag}: '${text}' is no share such as 5% or 0.05`);
}

function duration(text: string, flag: string): number {
  const ms = parseDuration(text);
  if (!ms.ok) throw usageError(`${flag}: ${ms.detail}`);
  if (ms.value === 0) throw usageError(`${flag}: '${text}' is no time at all`);
  return ms.value;
}

function lengths(text: string, flag: string): unknown {
  const parsed = parseLengths(text);
  if (!parsed.ok) throw usageError(`${flag}: ${parsed.detail}`);
  return parsed.value;
}

/** `70/30` or `1/1/1`: how the members are dealt out. */
function sides(text: string, flag: string): number[] {
  const parts = text.split('/').map((part) => (/^\d{1,4}$/.test(part) ? Number(part) : 0));
  const total = parts.reduce((sum, part) => sum + part, 0);
  if (parts.length < 2 || parts.length > SIDES_MAX || parts.some((part) => part === 0)) {
    throw usageError(`${flag}: '${text}' does not say how to share out members: write 70/30`);
  }
  return parts.map((part) => part / total);
}

function oneOf(...words: readonly string[]) {
  return (text: string, flag: string): string => {
    if (words.includes(text)) return text;
    throw usageError(`${flag}: '${text}' is none of ${words.join(', ')}`);
  };
}

const OPTIONS: readonly SettingOption[] = [
  { flags: '--nodes <n>', text: 'members', setting: 'nodes', parse: whole(2, NODES_MAX) },
  {
    ...{ flags: '--duration <time>', setting: 'durationMs', parse: duration },
    text: 'how long things fail, in virtual time',
  },
  {
    ...{ flags: '--session <model>', setting: 'session', parse: lengths },
    text: 'how long members stay: exp:10m, weibull:0.59,41.9m, pareto:1.5,5m, fixed:10m, trace:FILE',
  },
  {
    ...{ flags: '--absence <model>', setting: 'absence', parse: lengths },
    text: 'how long they are away, likewise',
  },
  {
    ...{ flags: '--partition <sides>', setting: 'sides', parse: sides },
    text: 'how the members are split, such as 70/30',
  },
  { flags: '--loss <share>', text: 'share of packets lost', setting: 'loss', parse: share },
  {
    ...{ flags: '--vanish <share>', setting: 'vanish', parse: share },
    text: 'share of messages lost whole, although their connection lives',
  },
  {
    ...{ flags: '--duplicate <share>', setting: 'duplicate', parse: share },
    text: 'share of requests that come twice',
  },
  {
    ...{ flags: '--latency <model>', setting: 'latency', parse: oneOf('internet', 'lan') },
    text: 'internet (median round trip 156 ms) or lan',
  },
  {
    ...{ flags: '--directory <model>', setting: 'directory', parse: oneOf('kademlia', 'exact') },
    text: 'kademlia (routing tables and searches as kad-dht has them) or exact',
  },
  {
    ...{ flags: '--drift <ppm>', setting: 'driftPpmMax', parse: whole(0, DRIFT_PPM_MAX) },
    text: 'clocks are fast or slow by up to that many parts per million',
  },
  {
    ...{
      flags: '--term <time>',
      setting: 'leaseTermS',
      parse: (text, flag) => duration(text, flag) / 1000,
    },
    text: 'term of a lease',
  },
  {
    ...{ flags: '--fill <share>', setting: 'fill', parse: share },
    text: 'share of all addresses that the members take',
  },
  {
    ...{ flags: '--lookups <n>', setting: 'lookupsPerS', parse: whole(0, LOOKUPS_PER_S_MAX) },
    text: 'lookups of addresses in a second, over all members',
  },
];

function nameOf({ flags }: SettingOption): string {
  return flags.replace(/^--(\S+).*$/, '$1');
}

function optionsOf(scenario: Scenario): readonly SettingOption[] {
  const taken = new Set<SettingName>([...ALWAYS, ...scenario.takes]);
  return OPTIONS.filter(({ setting }) => taken.has(setting));
}

export function addSettings(command: Command, scenario: Scenario): void {
  for (const { flags, text } of optionsOf(scenario)) command.option(flags, text);
}

/**
 * The settings of a scenario, with what was given in place of its defaults.
 *
 * @param given texts by the name of their option, as from a command line or a file
 * @throws CodedError `usage`
 */
export function settingsFrom(
  scenario: Scenario,
  given: Readonly<Record<string, unknown>>,
): Settings {
  const settings: Record<string, unknown> = { ...COMMON, ...scenario.defaults };
  for (const option of optionsOf(scenario)) {
    const name = nameOf(option);
    const text = given[name];
    if (typeof text === 'string') settings[option.setting] = option.parse(text, `--${name}`);
  }
  const complete = settings as unknown as Settings;
  try {
    poolFor(complete);
  } catch (error) {
    throw usageError(`--nodes, --fill: ${messageOf(error)}`);
  }
  return complete;
}

/** Names that {@link settingsFrom} takes for a scenario. */
export function settingNames(scenario: Scenario): readonly string[] {
  return optionsOf(scenario).map(nameOf);
}
