/** The flags that `create`, `join` and `up` share, and the way from them to a running node. */
import type { Command } from 'commander';
import { SETTINGS, type SettingKey } from '../config/settings.js';
import type { RunRequest } from '../run/request.js';
import type { Cli } from './cli.js';

/** `--interface` may be repeated, and a list in one flag means what it means in the environment. */
function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), ...value.split(',')];
}

/** Adds one flag for every setting. */
export function addRunOptions(command: Command): Command {
  for (const [key, setting] of Object.entries(SETTINGS)) {
    const [first = '', ...others] = setting.flags;
    if (key === 'interface') command.option(first, setting.summary, collect);
    else command.option(first, setting.summary);
    for (const flag of others) command.option(flag, `do not: ${setting.summary}`);
  }
  return command;
}

/** Only the settings that were given as flags, or they would hide the environment and the file. */
function givenFlags(command: Command): Partial<Record<SettingKey, unknown>> {
  const keys = Object.keys(SETTINGS) as SettingKey[];
  const given = keys.filter((key) => command.getOptionValueSource(key) === 'cli');
  return Object.fromEntries(given.map((key) => [key, command.getOptionValue(key) as unknown]));
}

/** Runs a node in the foreground. @returns its exit code. */
export async function runForeground(
  cli: Cli,
  command: Command,
  request: RunRequest,
): Promise<number> {
  // An invite is a secret, and the arguments of a process are not.
  cli.context.hideArguments();
  const { loadConfig } = await import('../config/load.js');
  const config = await loadConfig(cli.stateDir, givenFlags(command), cli.context.env);
  const { openUi } = await import('./ui/open.js');
  const ui = await openUi(cli.context, {
    json: cli.json,
    logFormat: config.logFormat,
    logLevel: config.logLevel,
  });
  try {
    const runNode = await cli.context.loadRunNode();
    return await runNode(request, config.options, ui);
  } finally {
    ui.close();
  }
}
