/** `overlay ping`: probes a peer through the overlay, and says which way each reply came. */
import { hasCode } from '../../../overlay/base/errors.js';
import type { AdminClient } from '../../admin/client.js';
import { parseDuration } from '../../config/quantity.js';
import type { PingOptions, PingReply } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { EXIT, usageError, type ExitCode } from '../exit.js';
import { clean, peerLabel, shortPeerId } from '../text/format.js';
import { PingTally, replyLine, summaryLine, type PingTarget } from '../text/ping-tally.js';

interface PingFlags {
  readonly count?: string;
  readonly interval: string;
  readonly timeout: string;
  readonly untilDirect?: boolean;
}

const DEFAULT_COUNT = 5;

function durationOf(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (!ms.ok) throw usageError(`${flag}: ${ms.detail}`);
  return ms.value;
}

/** Until direct there is no set number of probes: that it takes long is what one wants to see. */
function countOf({ count, untilDirect }: PingFlags): number {
  if (count === undefined) return untilDirect === true ? 0 : DEFAULT_COUNT;
  if (/^[1-9]\d{0,8}$/.test(count)) return Number(count);
  throw usageError(`-c: '${count}' is no number from 1`);
}

function pingOptionsOf(flags: PingFlags): PingOptions {
  return {
    count: countOf(flags),
    intervalMs: durationOf('--interval', flags.interval),
    timeoutMs: durationOf('--timeout', flags.timeout),
    untilDirect: flags.untilDirect === true,
  };
}

/** Name and address for the reply lines. Not finding them is no failure: the ping itself will tell. */
async function describeTarget(client: AdminClient, query: string): Promise<PingTarget> {
  try {
    const facts = await client.call('whois', { query });
    return { label: peerLabel(facts), address: clean(facts.address4 ?? facts.address6) };
  } catch (error) {
    if (hasCode(error, 'not-running', 'not-allowed', 'not-found')) throw error;
    return { label: clean(query), address: null };
  }
}

/** Names of relays, asked for at the first relayed reply only. */
class RelayLabels {
  readonly #client: AdminClient;
  #labels: ReadonlyMap<string, string> | null = null;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  async of({ relay }: PingReply): Promise<string | null> {
    if (relay === null) return null;
    if (this.#labels === null) {
      try {
        const { members } = await this.#client.call('members', {});
        this.#labels = new Map(members.map((member) => [member.peerId, peerLabel(member)]));
      } catch {
        // The reply matters more than its relay's name.
        this.#labels = new Map();
      }
    }
    return this.#labels.get(relay) ?? shortPeerId(relay);
  }
}

/**
 * With `--json` only the summary is printed, as one object; the replies are for watching.
 *
 * @returns failure if nothing came back, or nothing came directly where that was asked for.
 */
async function ping(cli: Cli, query: string, options: PingOptions): Promise<ExitCode> {
  const client = await cli.client();
  const interrupted = new AbortController();
  const stopListening = cli.context.onInterrupt(() => {
    interrupted.abort();
  });
  const tally = new PingTally();
  try {
    const target = cli.json ? null : await describeTarget(client, query);
    const relays = new RelayLabels(client);
    for await (const reply of client.stream('ping', { query, ...options }, interrupted.signal)) {
      tally.add(reply);
      if (target === null) continue;
      cli.print(`${replyLine(reply, target, await relays.of(reply))}\n`);
    }
  } catch (error) {
    // Ctrl-C is how a long ping ends: what was measured until then still counts.
    if (!interrupted.signal.aborted) throw error;
  } finally {
    stopListening();
  }
  const summary = tally.summary();
  await cli.show(summary, (facts) => `${summaryLine(facts)}\n`);
  const reached = options.untilDirect ? summary.via !== 'relay' : true;
  return summary.received > 0 && reached ? EXIT.ok : EXIT.failure;
}

export const pingVerb: RegisterVerb = (program, cli) => {
  program
    .command('ping')
    .argument('<peer>', 'address, name or peer id')
    .description('probe a peer through the overlay; fails if nothing came back')
    .option('-c, --count <n>', 'number of probes; by default 5, with --until-direct no limit')
    .option('--interval <duration>', 'time between probes', '1s')
    .option('--timeout <duration>', 'how long to wait for each reply', '2s')
    .option('--until-direct', 'end at the first reply that came directly; fails if none did')
    .addHelpText(
      'after',
      example('overlay ping nas', 'overlay ping 10.77.8.1 -c 20 --interval 200ms'),
    )
    .action(
      cli.action((query: string, flags: PingFlags) => ping(cli, query, pingOptionsOf(flags))),
    );
};
