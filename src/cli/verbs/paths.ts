/** `overlay paths`: every way packets can take, one a line. */
import type { PathFacts, PeerFacts } from '../../node/control.js';
import { CodedError } from '../../../overlay/base/errors.js';
import { example, type RegisterVerb } from '../cli.js';
import type { Colors } from '../text/colors.js';
import { formatBytes, formatMs, peerLabel } from '../text/format.js';
import type { Cell } from '../text/table.js';

/** One path with the peer it leads to; the shape of `--json`. */
type PathRow = Pick<PeerFacts, 'peerId' | 'name'> & PathFacts;

/** Whether `query` names this peer, by name, address or id. */
function isNamed(peer: PeerFacts, query: string): boolean {
  return [peer.name, peer.address4, peer.address6, peer.peerId].includes(query);
}

/** @throws CodedError<'not-found'> if a query is given and names no peer. */
function pathsOf(peers: readonly PeerFacts[], query: string | undefined): PathRow[] {
  const wanted = query === undefined ? peers : peers.filter((peer) => isNamed(peer, query));
  if (query !== undefined && wanted.length === 0) {
    throw new CodedError('not-found', `no peer is called ${query}: overlay peers lists them`);
  }
  return wanted.flatMap(({ peerId, name, paths }) =>
    paths.map((path) => ({ peerId, name, ...path })),
  );
}

/** Standby is faint and not yellow: a path held back on purpose is no trouble. */
function stateCell(state: PathFacts['state'], colors: Colors): Cell {
  const paint = {
    active: colors.good,
    standby: colors.faint,
    probing: colors.warning,
    dead: colors.bad,
  }[state];
  return { painted: paint(state) };
}

function row(path: PathRow, colors: Colors): readonly Cell[] {
  return [
    peerLabel(path),
    String(path.id),
    path.transport,
    path.interface ?? '-',
    path.local,
    path.remote,
    stateCell(path.state, colors),
    String(path.metric),
    formatMs(path.rttMs),
    `${(path.lossRatio * 100).toFixed(1)} %`,
    path.capacityMbps === null ? '-' : `${path.capacityMbps.toFixed(1)} Mb/s`,
    formatBytes(path.tx.bytes),
    formatBytes(path.rx.bytes),
    String(path.dropped.packets),
  ];
}

async function renderPaths(paths: readonly PathRow[], colors: Colors): Promise<string> {
  if (paths.length === 0) return 'no paths: there is no direct or relayed link yet\n';
  const { renderTable } = await import('../text/table.js');
  return renderTable(
    [
      { head: 'PEER' },
      { head: 'ID', align: 'right' },
      { head: 'TRANSPORT' },
      { head: 'INTERFACE' },
      { head: 'LOCAL' },
      { head: 'REMOTE' },
      { head: 'STATE' },
      { head: 'METRIC', align: 'right' },
      { head: 'RTT', align: 'right' },
      { head: 'LOSS', align: 'right' },
      { head: 'CAPACITY', align: 'right' },
      { head: 'SENT', align: 'right' },
      { head: 'RECEIVED', align: 'right' },
      { head: 'DROPPED', align: 'right' },
    ],
    paths.map((path) => row(path, colors)),
    colors,
  );
}

export const paths: RegisterVerb = (program, cli) => {
  program
    .command('paths')
    .argument('[peer]', 'only those to the peer with this name, address or id')
    .description('list the paths to each peer with their measured state')
    .addHelpText('after', example('overlay paths', 'overlay paths nas --json'))
    .action(
      cli.action(async (peer: string | undefined) => {
        const client = await cli.client();
        const { schema, peers } = await client.call('peers', {});
        return cli.show({ schema, paths: pathsOf(peers, peer) }, ({ paths }, colors) =>
          renderPaths(paths, colors),
        );
      }),
    );
};
