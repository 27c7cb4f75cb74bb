/** `overlay invite`: makes, lists and revokes invites. */
import type { Command } from 'commander';
import { parseDuration } from '../../config/quantity.js';
import type { InviteFacts, SchedulerName } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { EXIT, usageError, type ExitCode } from '../exit.js';
import type { Colors } from '../text/colors.js';
import { clean, formatExpiry } from '../text/format.js';

interface InviteOptions {
  readonly name?: string;
  readonly ip?: string;
  readonly scheduler?: string;
  readonly interfaces?: string;
  readonly uses: string;
  readonly expires: string;
  readonly role?: readonly string[];
}

/** For the node 0 stands for unlimited; written out it cannot be typed by accident. */
function usesOf(text: string): number {
  if (text === 'unlimited') return 0;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw usageError(`--uses: '${text}' is neither a number from 1 nor unlimited`);
}

/** Milliseconds from now; 0, for the node, is never. */
function expiryOf(text: string): number {
  if (text === 'never') return 0;
  const ms = parseDuration(text);
  if (!ms.ok) throw usageError(`--expires: ${ms.detail}, nor never`);
  if (ms.value === 0) throw usageError('--expires: 0 is over at once: write never for no end');
  return ms.value;
}

/** How many machines came by it. Not every node can know: others count the uses of an invite. */
function usesText({ uses, used }: InviteFacts): string {
  const limit = uses === 0 ? 'unlimited' : String(uses);
  return used === null ? limit : `${String(used)} of ${limit}`;
}

/**
 * Prints the invite alone on standard output, so that `overlay join $(overlay invite)` works, and what it
 * is good for on standard error.
 */
async function createInvite(cli: Cli, options: InviteOptions): Promise<ExitCode> {
  const request = {
    uses: usesOf(options.uses),
    expiresInMs: expiryOf(options.expires),
    roles: [...(options.role ?? [])],
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.ip === undefined ? {} : { address4: options.ip }),
    // The node judges the word; a second list of schedulers here would only age.
    ...(options.scheduler === undefined ? {} : { scheduler: options.scheduler as SchedulerName }),
    ...(options.interfaces === undefined
      ? {}
      : { interfaces: options.interfaces.split(',').map((name) => name.trim()) }),
  };
  const client = await cli.client();
  const facts = await client.call('invite-create', request);
  await cli.show(facts, ({ invite }) => `${clean(invite ?? '')}\n`);
  if (!cli.json) {
    const ends =
      facts.expiresAt === null ? 'never ends' : `ends ${formatExpiry(facts.expiresAt, Date.now())}`;
    const times =
      facts.uses === 0
        ? 'any number of machines'
        : facts.uses === 1
          ? 'one machine'
          : `${String(facts.uses)} machines`;
    cli.note(
      `invite ${clean(facts.id)} is for ${times} and ${ends}; use it with overlay join <invite>`,
    );
  }
  return EXIT.ok;
}

/** The first reason why it admits nobody any more, in the order in which they are final. */
function stateText(invite: InviteFacts, nowMs: number): string {
  if (invite.revoked) return 'revoked';
  if (invite.expiresAt !== null && Date.parse(invite.expiresAt) <= nowMs) return 'expired';
  return invite.uses > 0 && invite.used !== null && invite.used >= invite.uses
    ? 'used up'
    : 'valid';
}

/** @param nowMs Unix milliseconds, to tell what has expired. */
async function renderInvites(
  invites: readonly InviteFacts[],
  colors: Colors,
  nowMs: number,
): Promise<string> {
  if (invites.length === 0) return 'no invites were made here\n';
  const { renderTable } = await import('../text/table.js');
  return renderTable(
    [
      { head: 'ID' },
      { head: 'STATE' },
      { head: 'USED' },
      { head: 'EXPIRES' },
      { head: 'NAME' },
      { head: 'IPV4' },
      { head: 'ROLES' },
    ],
    invites.map((invite) => [
      invite.id,
      stateText(invite, nowMs),
      usesText(invite),
      formatExpiry(invite.expiresAt, nowMs),
      invite.name ?? '-',
      invite.address4 ?? '-',
      invite.roles.length === 0 ? '-' : invite.roles.join(','),
    ]),
    colors,
  );
}

/** Also those that are over: one wants to see that a leaked invite is. */
function addList(command: Command, cli: Cli): void {
  command
    .command('list')
    .description('list the invites made here')
    .addHelpText('after', example('overlay invite list'))
    .action(
      cli.action(async () => {
        const client = await cli.client();
        const facts = await client.call('invite-list', {});
        return cli.show(facts, ({ invites }, colors) => renderInvites(invites, colors, Date.now()));
      }),
    );
}

/** Takes the id rather than the invite: the secret need not be dug out again to be made void. */
function addRevoke(command: Command, cli: Cli): void {
  command
    .command('revoke')
    .argument('<id>', 'id of the invite, from overlay invite list')
    .description('end an invite and the membership of everyone who came by it')
    .addHelpText('after', example('overlay invite revoke 4f1d22c09a3b5e77'))
    .action(
      cli.action(async (id: string) => {
        const client = await cli.client();
        const facts = await client.call('invite-revoke', { id });
        return cli.show(facts, (invite) => `invite ${clean(invite.id)} is revoked\n`);
      }),
    );
}

export const invite: RegisterVerb = (program, cli) => {
  const command = program
    .command('invite')
    .description('print an invite for another machine; list and revoke invites')
    .option('--name <host>', 'host name the machine will have')
    .option('--ip <address>', 'IPv4 address the machine will have')
    .option('--scheduler <kind>', 'scheduler the machine will use')
    .option('--interfaces <list>', 'interfaces the machine will use, separated by commas')
    .option('--uses <n>', 'number of machines it admits, or unlimited', '1')
    .option('--expires <duration>', 'how long it can be used, such as 24h, or never', '24h')
    .option(
      '--role <role>',
      'role the machine will have, repeatable; inviter may make invites itself',
      (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
    )
    .addHelpText(
      'after',
      example('overlay invite --name nas', 'overlay invite --uses 20 --expires 7d --json'),
    )
    .action(cli.action((options: InviteOptions) => createInvite(cli, options)));
  addList(command, cli);
  addRevoke(command, cli);
};
