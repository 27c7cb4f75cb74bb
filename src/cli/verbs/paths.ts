/** `overlay paths`: every way packets can take to each peer, and why they take the one they do. */
import { CodedError } from '../../../overlay/base/errors.js';
import { FACTS_SCHEMA, type PeerFacts } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { EXIT, type ExitCode } from '../exit.js';
import type { NodeFollower } from '../live/follower.js';
import type { RatedPeer } from '../live/rates.js';
import type { LiveView } from '../live/run.js';
import { clean } from '../text/format.js';

interface PathsOptions {
  readonly watch?: boolean;
}

/** Time between two looks. */
const INTERVAL_MS = 1_000;

/** Whether `query` names this peer, by name, address or id. */
function isNamed(
  peer: Pick<PeerFacts, 'name' | 'address4' | 'address6' | 'peerId'>,
  query: string,
): boolean {
  return [peer.name, peer.address4, peer.address6, peer.peerId].includes(query);
}

/** @throws CodedError<'not-found'> if a query is given and names no peer. */
function wantedOf(peers: readonly RatedPeer[], query: string | undefined): readonly RatedPeer[] {
  const wanted = query === undefined ? peers : peers.filter((peer) => isNamed(peer, query));
  if (query !== undefined && wanted.length === 0) {
    throw new CodedError('not-found', `no peer is called ${query}: overlay peers lists them`);
  }
  return wanted;
}

/** The shape of `--json`: peers without their paths, and one list of all paths. */
function factsOf(peers: readonly RatedPeer[]): { peers: object[]; paths: object[] } {
  return {
    peers: peers.map(({ paths: _, ...peer }) => peer),
    paths: peers.flatMap(({ peerId, name, paths }) =>
      paths.map((path) => ({ peerId, name, ...path })),
    ),
  };
}

/** Renders those that are asked for. @throws CodedError<'not-found'> */
type Report = (peers: readonly RatedPeer[], rates: boolean, columns: number) => string;

async function reporter(cli: Cli, query: string | undefined): Promise<Report> {
  const { renderPathReport } = await import('../text/path-report.js');
  const colors = await cli.colors();
  return (peers, rates, columns) =>
    renderPathReport(wantedOf(peers, query), { known: peers, rates, columns }, colors);
}

function widthOf({ out }: Cli['context']): number {
  return out.isTTY ? out.columns : 0;
}

/** The report over and over on a screen, and below it what to press. */
async function watchOnScreen(cli: Cli, follower: NodeFollower, report: Report): Promise<ExitCode> {
  const { runLive } = await import('../live/run.js');
  const { fitScreen } = await import('../text/fit-screen.js');
  const colors = await cli.colors();
  let peers: readonly RatedPeer[] = [];
  const view: LiveView = {
    refresh: async (signal) => {
      const next = (await follower.next(signal)).peers;
      // Throws if the peer is not there any more; then the last picture of it stays.
      report(next, true, 0);
      peers = next;
    },
    lines: (columns, rows, notice) => {
      const old = notice === null ? [] : [colors.bad(clean(notice))];
      const lines = [...old, ...report(peers, true, columns).trimEnd().split('\n')];
      return fitScreen(lines, [colors.faint('q: quit')], columns, rows);
    },
    key: () => undefined,
  };
  return runLive(cli.context, view, INTERVAL_MS);
}

async function watch(cli: Cli, query: string | undefined): Promise<ExitCode> {
  const { NodeFollower } = await import('../live/follower.js');
  const { pause, runJson } = await import('../live/run.js');
  const follower = new NodeFollower(await cli.client());
  if (!cli.json && cli.context.out.isTTY) {
    return watchOnScreen(cli, follower, await reporter(cli, query));
  }
  wantedOf((await follower.next()).peers, query);
  if (!cli.json) {
    const report = await reporter(cli, query);
    await pause(INTERVAL_MS);
    cli.print(report((await follower.next()).peers, true, 0));
    return EXIT.ok;
  }
  const next = async (signal: AbortSignal): Promise<object> => {
    const { peers, elapsedMs } = await follower.next(signal);
    const at = new Date().toISOString();
    return { schema: FACTS_SCHEMA, at, elapsedMs, ...factsOf(wantedOf(peers, query)) };
  };
  return runJson(cli, next, INTERVAL_MS);
}

async function list(cli: Cli, query: string | undefined): Promise<ExitCode> {
  const { ratedPeers } = await import('../live/rates.js');
  const client = await cli.client();
  const { schema, peers } = await client.call('peers', {});
  const known = ratedPeers(null, { atMs: 0, peers });
  const facts = { schema, ...factsOf(wantedOf(known, query)) };
  return cli.show(facts, async () => {
    const report = await reporter(cli, query);
    return report(known, false, widthOf(cli.context));
  });
}

export const paths: RegisterVerb = (program, cli) => {
  program
    .command('paths')
    .argument('[peer]', 'only those to the peer with this name, address or id')
    .description('show the paths to each peer, how they do, and why packets take the one they do')
    .option('--watch', 'look again each second, and show rates; one look without a terminal')
    .addHelpText('after', example('overlay paths', 'overlay paths nas --watch'))
    .action(
      cli.action((peer: string | undefined, options: PathsOptions) =>
        options.watch === true ? watch(cli, peer) : list(cli, peer),
      ),
    );
};
