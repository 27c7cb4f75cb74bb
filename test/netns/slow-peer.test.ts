/**
 * Goal: a peer that stops taking packets costs the sender a bounded amount of memory and nothing
 * else; what cannot be sent is dropped and counted, and all is well when the peer goes on.
 * Method: the receiving node is frozen (SIGSTOP) while a program sends UDP to it as fast as it can.
 *
 *   a (sends) ---- switch lan ---- b (frozen, then continued)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pairOnSwitch, type Member } from './lab/network.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';

const BLAST_S = 5;
const GROWTH_BYTES_MAX = 60_000_000;
const SAMPLE_MS = 100;

/** Packets the node has dropped so far, by its own count: as a whole and on its paths. */
async function dropsOf(member: Member): Promise<number> {
  const { drops } = await member.host.overlayJson('status');
  const { peers } = await member.host.overlayJson('peers');
  const onPaths = peers.flatMap((peer) => peer.paths.map((path) => path.dropped.packets));
  return [...Object.values(drops), ...onPaths].reduce((sum, count) => sum + count, 0);
}

describe('a peer that stops taking packets', function () {
  this.timeout(120_000);
  let a: Member;
  let b: Member;

  withLab(async (lab) => {
    [a, b] = await pairOnSwitch(lab);
  });

  /** Sends for some seconds, and returns the highest memory use and count of drops seen meanwhile. */
  async function blast(seconds: number) {
    const args = scriptArgs('udp-blast', [b.address4, '9', String(seconds), '1300']);
    const sender = a.host.spawn(process.execPath, args);
    let peakBytes = 0;
    let drops = 0;
    while (sender.end === null) {
      peakBytes = Math.max(peakBytes, a.node.program.residentBytes());
      // A path's count is told as long as its peer is connected, so look before it is given up.
      drops = Math.max(drops, await dropsOf(a));
      await Promise.race([sender.ended, sleep(SAMPLE_MS)]);
    }
    const { packets } = JSON.parse(sender.stdout) as { packets: number };
    return { packets, peakBytes, drops };
  }

  it('costs the sender little memory, and what is lost is counted', async () => {
    // Compiled code and buffers of a busy node are no growth: let it reach that state first.
    const before = await blast(1);
    const restBytes = a.node.program.residentBytes();
    b.node.program.signal('SIGSTOP');
    const { packets, peakBytes, drops } = await blast(BLAST_S);
    expect(packets, 'the blast was one').to.be.greaterThan(20_000);
    expect(peakBytes - restBytes).to.be.lessThan(GROWTH_BYTES_MAX);
    expect(drops).to.be.greaterThan(before.drops);
  });

  it('is reached again soon after it goes on', async () => {
    b.node.program.signal('SIGCONT');
    await eventually('pings pass again', 10_000, () =>
      systemPing(a.host, b.address4, { timeoutS: 1 }),
    );
    await eventually('and back', 10_000, () => systemPing(b.host, a.address6, { timeoutS: 1 }));
  });
});
