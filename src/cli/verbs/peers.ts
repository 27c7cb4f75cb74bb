/** `overlay peers`: who this node is linked to, and how. */
import type { PeerFacts } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import type { Colors } from '../text/colors.js';
import { count, formatBytes, formatMs, peerLabel } from '../text/format.js';
import { linkText } from '../text/link-state.js';
import type { Cell } from '../text/table.js';

/** The best path's time, which is what an interactive packet sees. */
function bestRtt(peer: PeerFacts): number | null {
  const times = peer.paths.map(({ rttMs }) => rttMs).filter((rtt) => rtt !== null);
  return times.length === 0 ? null : Math.min(...times);
}

/** Traffic is summed over the paths: how it spread over them is for `overlay paths` to show. */
function row(peer: PeerFacts, all: readonly PeerFacts[], colors: Colors): readonly Cell[] {
  const active = peer.paths.filter(({ state }) => state === 'active').length;
  let sent = 0;
  let received = 0;
  for (const { tx, rx } of peer.paths) {
    sent += tx.bytes;
    received += rx.bytes;
  }
  return [
    peerLabel(peer),
    peer.address4 ?? '-',
    peer.address6,
    { painted: linkText(peer, all, colors) },
    formatMs(bestRtt(peer)),
    `${String(active)}/${String(peer.paths.length)}`,
    peer.scheduler,
    peer.score.toFixed(1),
    formatBytes(sent),
    formatBytes(received),
  ];
}

async function renderPeers(peers: readonly PeerFacts[], colors: Colors): Promise<string> {
  if (peers.length === 0) return 'no peers yet: run overlay invite and join with another machine\n';
  const { renderTable } = await import('../text/table.js');
  const table = renderTable(
    [
      { head: 'PEER' },
      { head: 'IPV4' },
      { head: 'IPV6' },
      { head: 'LINK' },
      { head: 'RTT', align: 'right' },
      { head: 'PATHS', align: 'right' },
      { head: 'SCHEDULER' },
      { head: 'SCORE', align: 'right' },
      { head: 'SENT', align: 'right' },
      { head: 'RECEIVED', align: 'right' },
    ],
    peers.map((peer) => row(peer, peers, colors)),
    colors,
  );
  const linked = peers.filter(({ link }) => link !== 'none').length;
  return `${table}${colors.faint(`${count(peers.length, 'peer')}, ${String(linked)} linked`)}\n`;
}

export const peers: RegisterVerb = (program, cli) => {
  program
    .command('peers')
    .description('list the peers and the links to them')
    .addHelpText('after', example('overlay peers', "overlay peers --json | jq '.peers[].link'"))
    .action(
      cli.action(async () => {
        const client = await cli.client();
        const facts = await client.call('peers', {});
        return cli.show(facts, ({ peers }, colors) => renderPeers(peers, colors));
      }),
    );
};
