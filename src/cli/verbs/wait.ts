/** `overlay wait`: returns when the node can be used. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, hasCode } from '../../../overlay/base/errors.js';
import type { AdminClient } from '../../admin/client.js';
import { parseDuration } from '../../config/quantity.js';
import type { FACTS_SCHEMA, StatusFacts } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { usageError, type ExitCode } from '../exit.js';
import { clean, formatSeconds } from '../text/format.js';
import { readyLine } from '../text/ready-line.js';

interface WaitOptions {
  readonly timeout?: string;
}

type Status = StatusFacts & { readonly schema: typeof FACTS_SCHEMA };

/** How soon a node that is just starting is noticed. */
const CONNECT_INTERVAL_MS = 100;

/** Milliseconds, or null for no limit. */
function timeoutOf({ timeout }: WaitOptions): number | null {
  if (timeout === undefined) return null;
  const ms = parseDuration(timeout);
  if (!ms.ok) throw usageError(`--timeout: ${ms.detail}`);
  return ms.value;
}

/** Hands over each status until the node is ready, or stops. */
async function follow(
  client: AdminClient,
  signal: AbortSignal,
  onStatus: (status: Status) => void,
): Promise<void> {
  for await (const status of client.stream('wait', {}, signal)) onStatus(status);
}

/** Whether it ended in order or was killed makes no difference to who waits for it. */
function stopped(): CodedError {
  return new CodedError('not-running', 'the node stopped before it was ready: see its log');
}

/**
 * Without a time limit a node that is not there is an error at once; with one it may still come, as when
 * it is started by another unit at the same time.
 */
async function waitReady(cli: Cli, timeoutMs: number | null): Promise<ExitCode> {
  const client = await cli.client();
  const signal = timeoutMs === null ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
  let last: Status | null = null;
  const noteStatus = (status: Status): void => {
    last = status;
  };
  const latest = (): Status | null => last;
  let failure: unknown;
  do {
    try {
      await follow(client, signal, noteStatus);
      failure = stopped();
    } catch (error) {
      failure = hasCode(error, 'broken') ? stopped() : error;
    }
    const status = latest();
    if (status?.ready === true) return cli.show(status, (ready) => `${readyLine(ready)}\n`);
    if (signal.aborted && status !== null) return timedOut(cli, status, timeoutMs ?? 0);
    // A node that went away, or is not there yet, may come back as long as there is time.
    const mayReturn = signal.aborted || hasCode(failure, 'not-running', 'unavailable');
    if (timeoutMs === null || !mayReturn) throw failure;
    last = null;
    await sleep(CONNECT_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  } while (!signal.aborted);
  throw new CodedError(
    'not-running',
    `the node was not running within ${formatSeconds(timeoutMs / 1000)}: start it with overlay up`,
  );
}

function timedOut(cli: Cli, status: Status, timeoutMs: number): never {
  // Scripts get the facts also when the wait was in vain.
  if (cli.json) cli.printJson(status);
  const missing = clean(status.waitingFor ?? 'it is still starting');
  throw new CodedError('timeout', `not ready after ${formatSeconds(timeoutMs / 1000)}: ${missing}`);
}

export const wait: RegisterVerb = (program, cli) => {
  program
    .command('wait')
    .description('return when the node is ready: address held, device up, a peer connected')
    .option('--timeout <duration>', 'give up after this time, such as 30s; by default never')
    .addHelpText('after', example('overlay wait --timeout 30s && ssh "$(overlay ip -4 nas)"'))
    .action(cli.action((options: WaitOptions) => waitReady(cli, timeoutOf(options))));
};
