/**
 * Goal: the batch back end carries what programs send, unchanged, at any size, over both families, both
 * ciphers, and cards with and without offloads of their own.
 * Method: a bare tunnel of it between two hosts; iperf3, a gigabyte with its SHA-256 compared, pings.
 *
 *   a (10.99.0.1) ---- switch lan ---- b (10.99.0.2)
 */
import { expect } from 'chai';
import type { CipherName } from '../../overlay/link/session/key-exchange.js';
import type { BatchTunnelCounters, BatchTunnelOptions } from './lab/batch-tunnel.js';
import { commandIn } from './lab/command.js';
import type { Host } from './lab/host.js';
import { iperf } from './lab/iperf.js';
import type { Program } from './lab/program.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';

const GIGABYTE = 1_000_000_000;
const PORT = 5000;
const BULK_PORT = 5202;
const STREAM_S = 1;

interface End {
  readonly host: Host;
  readonly outer: string;
  readonly inner4: string;
  readonly inner6: string;
}

for (const [cipher, offloads] of [
  ['aes-256-gcm', true],
  ['aes-256-gcm', false],
  ['chacha20-poly1305', true],
] as const) {
  describe(`a tunnel in batches, ${cipher}, cards ${offloads ? 'with' : 'without'} offloads`, function () {
    this.timeout(120_000);
    let a: End;
    let b: End;
    let programs: readonly Program[];

    withLab(
      async (lab) => {
        const lan = lab.switch('lan');
        [a, b] = ['a', 'b'].map((name, index) => {
          const host = lab.host(name);
          const last = String(index + 1);
          host.connect(lan, { v4: `192.0.2.${last}/24` });
          if (!offloads) {
            const off = ['-K', 'eth0', 'tx-udp-segmentation', 'off', 'rx-gro-list', 'off'];
            commandIn(host.netns, 'ethtool', off);
          }
          return {
            host,
            outer: `192.0.2.${last}`,
            inner4: `10.99.0.${last}`,
            inner6: `fd99::${last}`,
          };
        }) as [End, End];
        programs = [start(a, b, cipher, 0), start(b, a, cipher, 1)];
        for (const program of programs) await program.match(/^ready$/m, 10_000);
        await eventually('the first ping', 5_000, () => systemPing(a.host, b.inner4));
      },
      { tools: ['iperf3', 'ethtool'] },
    );

    for (const family of [4, 6] as const) {
      const inner = (end: End): string => (family === 4 ? end.inner4 : end.inner6);

      it(`carries TCP and UDP streams both ways over IPv${String(family)}`, async () => {
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          const tcp = await iperf(from.host, to.host, inner(to), STREAM_S);
          expect(tcp.sum_received.bits_per_second / 1e6).to.be.greaterThan(100);
          const udp = await iperf(from.host, to.host, inner(to), STREAM_S, ['-u', '-b', '20M']);
          expect(udp.sum.lost_percent).to.be.lessThan(1);
        }
      });

      it(`carries packets of every size over IPv${String(family)}`, async () => {
        for (const sizeBytes of [16, 17, 18, 19, 100, 1_371, 1_372, 1_392, 1_400, 8_000, 60_000]) {
          await systemPing(a.host, inner(b), { count: 2, sizeBytes });
        }
      });

      it(`carries a gigabyte unchanged over IPv${String(family)}`, async () => {
        const args = scriptArgs('bulk', ['receive', inner(b), String(BULK_PORT)]);
        const receiver = b.host.spawn(process.execPath, args);
        await receiver.match(/listening/, 10_000);
        const send = ['send', inner(b), String(BULK_PORT), String(GIGABYTE)];
        const printed = await a.host.check(process.execPath, scriptArgs('bulk', send), {
          timeoutMs: 100_000,
        });
        await receiver.waitFor(10_000);
        const received = JSON.parse(receiver.stdout.split('\n')[1] ?? '') as { sha256: string };
        const { sha256 } = JSON.parse(printed) as { sha256: string };
        expect(received).to.include({ bytes: GIGABYTE, sha256 });
      });
    }

    it('took nothing for its own that was not, and lost nothing by itself', async () => {
      for (const program of programs) {
        await program.stop('SIGTERM', 10_000);
        const counters = JSON.parse(
          program.stdout.trim().split('\n').at(-1) ?? '',
        ) as BatchTunnelCounters;
        expect(counters).to.include({ forged: 0, malformed: 0, refused: 0, notSent: 0 });
        expect(counters.received).to.be.greaterThan(1_000);
      }
    });
  });
}

function start(self: End, other: End, cipher: CipherName, side: 0 | 1): Program {
  const options: BatchTunnelOptions = {
    device: 'tb0',
    addresses: [`${self.inner4}/24`, `${self.inner6}/64`],
    remote: other.outer,
    ...{ port: PORT, cipher, side },
  };
  const args = scriptArgs('batch-tunnel', [JSON.stringify(options)]);
  return self.host.spawn(process.execPath, args);
}
