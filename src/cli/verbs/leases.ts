/**
 * `overlay leases`: what this node holds, and what it keeps for others as a witness. Both are shown
 * because a duplicate address is understood only by seeing what the witnesses believe.
 */
import type { LeaseFacts } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import type { Colors } from '../text/colors.js';
import { formatExpiry, peerLabel } from '../text/format.js';

/** @param nowMs Unix milliseconds, to say how far off an expiry is. */
async function renderLeases(
  leases: readonly LeaseFacts[],
  colors: Colors,
  nowMs: number,
): Promise<string> {
  if (leases.length === 0) return 'no leases are held or witnessed here\n';
  const { renderTable } = await import('../text/table.js');
  return renderTable(
    [
      { head: 'KIND' },
      { head: 'KEY' },
      { head: 'OWNER' },
      { head: 'STATE' },
      { head: 'ROLE HERE' },
      { head: 'EXPIRES' },
    ],
    leases.map((lease) => [
      lease.kind,
      lease.key,
      peerLabel({ name: lease.ownerName, peerId: lease.owner }),
      lease.state,
      lease.role,
      formatExpiry(lease.expiresAt, nowMs),
    ]),
    colors,
  );
}

export const leases: RegisterVerb = (program, cli) => {
  program
    .command('leases')
    .description('list the leases this node holds or keeps as a witness')
    .addHelpText('after', example('overlay leases', 'overlay leases --json'))
    .action(
      cli.action(async () => {
        const client = await cli.client();
        const facts = await client.call('leases', {});
        return cli.show(facts, ({ leases }, colors) => renderLeases(leases, colors, Date.now()));
      }),
    );
};
