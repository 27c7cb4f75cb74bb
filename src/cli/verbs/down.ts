/** `overlay down`: stops the running node and waits until it is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, hasCode } from '../../../overlay/base/errors.js';
import type { AdminClient } from '../../admin/client.js';
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { EXIT, type ExitCode } from '../exit.js';

/** A node gives back its leases and closes its links in a few seconds, or is stuck. */
const STOP_TIMEOUT_MS = 20_000;
const LOOK_INTERVAL_MS = 50;

/** Waits until nobody answers any more. @throws CodedError<'timeout'> */
export async function waitUntilGone(client: AdminClient): Promise<void> {
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    try {
      await client.call('status', {});
    } catch (error) {
      if (hasCode(error, 'not-running')) return;
      // Any other failure is the node on its way out; it is gone only when its socket is.
    }
    await sleep(LOOK_INTERVAL_MS);
  }
  throw new CodedError(
    'timeout',
    'the node is still stopping: look at its log, or end its process',
  );
}

/** Returning any earlier would let `overlay down && overlay up` find the old node still there. */
async function stop(cli: Cli): Promise<ExitCode> {
  const client = await cli.client();
  await client.call('stop', {});
  await waitUntilGone(client);
  if (cli.json) cli.printJson({ schema: FACTS_SCHEMA, stopped: true });
  else cli.print('the node is stopped: overlay up starts it again\n');
  return EXIT.ok;
}

export const down: RegisterVerb = (program, cli) => {
  program
    .command('down')
    .description('stop the running node; its place in the network stays')
    .addHelpText('after', example('overlay down'))
    .action(cli.action(() => stop(cli)));
};
