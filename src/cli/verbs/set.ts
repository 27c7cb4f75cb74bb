/** `overlay set`: changes how the running node spreads packets over paths. */
import { example, type RegisterVerb } from '../cli.js';
import { usageError } from '../exit.js';
import { clean } from '../text/format.js';
import type { SchedulingFacts, SchedulingRequest } from '../../node/control.js';

interface SetOptions {
  readonly scheduler?: string;
  readonly overflow?: boolean;
  readonly peer?: string;
}

const NOTE = `
It changes the running node only, until that ends. What holds from the start is a setting: overlay config
shows them, and the flags and files they come from are in the output of overlay config reference.`;

function requestOf({ scheduler, overflow, peer }: SetOptions): SchedulingRequest {
  if (scheduler === undefined && overflow === undefined) {
    throw usageError('nothing to set: give --scheduler, --overflow or --no-overflow');
  }
  return {
    peer: peer ?? null,
    // The node judges the word; a second list of schedulers here would only age.
    ...(scheduler === undefined
      ? {}
      : { scheduler: scheduler as NonNullable<SchedulingRequest['scheduler']> }),
    ...(overflow === undefined ? {} : { overflow }),
  };
}

/** @param peer as it was called on the command line, or undefined. */
function renderScheduling(facts: SchedulingFacts, peer: string | undefined): string {
  const whom = facts.peer === null ? 'all peers without a choice of their own' : clean(peer ?? '');
  return `${whom}: ${facts.scheduler}, overflow ${facts.overflow ? 'on' : 'off'}\n`;
}

export const set: RegisterVerb = (program, cli) => {
  program
    .command('set')
    .description('change how the running node spreads packets over several paths')
    .option(
      '--scheduler <kind>',
      'adaptive, aggregate, replicate or failover; default forgets what was set',
    )
    .option('--overflow', 'also use paths of higher metric, when all of the lower ones are full')
    .option('--no-overflow', 'use paths of higher metric only when all of the lower ones are dead')
    .option('--peer <peer>', 'only for this name, address or id; by default for all the others')
    .addHelpText(
      'after',
      `${NOTE}\n${example('overlay set --scheduler replicate --peer nas', 'overlay set --overflow')}`,
    )
    .action(
      cli.action(async (options: SetOptions) => {
        const request = requestOf(options);
        const client = await cli.client();
        const facts = await client.call('scheduling-set', request);
        return cli.show(facts, (held) => renderScheduling(held, options.peer));
      }),
    );
};
