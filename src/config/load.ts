/** Merges the sources of settings: flags over environment over `<state>/config.json` over defaults. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { CodedError } from '../../overlay/base/errors.js';
import type { RunOptions } from '../run/options.js';
import { settingsSchema, type Settings } from './schema.js';
import { SETTINGS, type SettingKey } from './settings.js';

export type ConfigErrorCode = 'bad-setting' | 'bad-config-file';
export type Environment = Readonly<Record<string, string | undefined>>;
/** Only what was given; a flag's value is text, a list of texts, or true or false for a switch. */
export type GivenFlags = Readonly<Partial<Record<SettingKey, unknown>>>;

export interface LoadedConfig {
  readonly options: RunOptions;
  readonly logFormat: Settings['logFormat'];
  readonly logLevel: Settings['logLevel'];
}

const CONFIG_FILE = 'config.json';
/** A config file holds a dozen short fields; more is a mistaken path. */
const CONFIG_FILE_BYTES_MAX = 64 * 1024;

const partialSchema = settingsSchema.partial();

/** Checks one source by itself, so that the message can say where the wrong value stands. */
function readSource(given: unknown, where: (key: string | undefined) => string): Partial<Settings> {
  const result = partialSchema.safeParse(given);
  if (!result.success) throw sourceError(result.error, where);
  // `.partial()` keeps the defaults of absent fields; only what was given may override a weaker source.
  return Object.fromEntries(
    Object.entries(result.data).filter(([key]) => Object.hasOwn(given as object, key)),
  );
}

/** Tells the first problem only: one line is read, ten are not. */
function sourceError(
  error: z.ZodError,
  where: (key: string | undefined) => string,
): CodedError<ConfigErrorCode> {
  const issue = error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const key = String(issue.keys[0]);
    const known = Object.keys(SETTINGS).sort().join(', ');
    return new CodedError('bad-config-file', `${where(key)} is no setting: known are ${known}`);
  }
  const key = issue?.path[0];
  const field = typeof key === 'string' ? key : undefined;
  return new CodedError('bad-setting', `${where(field)} ${issue?.message ?? 'is not valid'}`, {
    field,
  });
}

/** Only variables that belong to a setting: others may use the prefix for purposes of their own. */
function fromEnvironment(env: Environment): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [key, setting] of Object.entries(SETTINGS)) {
    const value = env[setting.env];
    // An empty variable counts as unset, which is how shells and unit files clear one.
    if (value !== undefined && value !== '') given[key] = value;
  }
  return given;
}

/** An absent file is an empty one; an unreadable one is an error, or settings would silently not apply. */
async function fromFile(path: string): Promise<unknown> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new CodedError(
      'bad-config-file',
      `cannot read ${path} (${reason}): check its permissions`,
    );
  }
  if (content.length > CONFIG_FILE_BYTES_MAX) {
    throw new CodedError(
      'bad-config-file',
      `${path} is too large for a config file: shorten or remove it`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw new CodedError('bad-config-file', `${path} is not valid JSON: correct or remove it`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CodedError(
      'bad-config-file',
      `${path} must hold one JSON object: correct or remove it`,
    );
  }
  return value;
}

/** The flag that was typed, for the message: of a switch its negative form if that was given. */
function flagName(key: SettingKey, value: unknown): string {
  const flags = SETTINGS[key].flags;
  const flag = (value === false ? flags.at(-1) : flags[0]) ?? key;
  return flag.split(' ')[0] ?? flag;
}

/**
 * @param stateDir absolute; holds `config.json`.
 * @throws CodedError<ConfigErrorCode> naming the source and the field.
 */
export async function loadConfig(
  stateDir: string,
  flags: GivenFlags,
  env: Environment,
): Promise<LoadedConfig> {
  const path = join(stateDir, CONFIG_FILE);
  const file = readSource(await fromFile(path), (key) => `${path}: ${key ?? 'the file'}`);
  const environment = readSource(fromEnvironment(env), (key) => SETTINGS[key as SettingKey].env);
  const given = readSource(flags, (key) => flagName(key as SettingKey, flags[key as SettingKey]));
  const settings: Settings = { ...settingsSchema.parse({}), ...file, ...environment, ...given };
  return {
    options: {
      stateDir,
      listenPort: settings.listenPort,
      interfaces: settings.interface,
      transports: settings.transport.filter((kind) => kind !== 'tcp'),
      scheduler: settings.scheduler,
      overflow: settings.overflow,
      device: settings.device,
      mtu: settings.mtu,
      tun: settings.tun,
      superpeer: settings.superpeer,
      quotaBytes: settings.quota,
      relay: settings.relay,
      name: settings.name,
      mdns: settings.mdns,
    },
    logFormat: settings.logFormat,
    logLevel: settings.logLevel,
  };
}
