/**
 * Goal: links carry what programs send, unchanged: with each scheduler, by UDP and by a protocol of its
 * own, over IPv4 and IPv6, for both inside.
 * Method: 500 MB with their SHA-256 compared, over two plain cables at once; inner family and direction
 * take turns, so that each scheduler carries 1 GB by each transport.
 */
import { expect } from 'chai';
import type { SchedulerName } from '../../overlay/link/schedule/scheduler.js';
import { DIRECTIONS, measured } from './lab/link-measures.js';
import { systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';
import { ShapedTunnel } from './lab/shaped-tunnel.js';

const BYTES = 500_000_000;
const PORT = 5500;
const TRANSFER_TIMEOUT_MS = 60_000;
const SIZES_BYTES = [56, 1_372, 8_000];

const SCHEDULERS: readonly SchedulerName[] = ['adaptive', 'aggregate', 'failover', 'replicate'];

interface Transferred {
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
}

for (const transport of ['udp', 'raw'] as const) {
  for (const outer of [4, 6] as const) {
    describe(`a link of ${transport} over IPv${outer}`, function () {
      this.timeout(120_000);
      let tunnel: ShapedTunnel;

      withLab(async (lab) => {
        const options = { lines: [], cables: 2, transport, family: outer };
        tunnel = await ShapedTunnel.open(lab, 'whole', options);
      });

      for (const inner of [4, 6] as const) {
        it(`carries packets of IPv${inner} of every size, both ways`, async () => {
          for (const [from, to] of DIRECTIONS) {
            const address = tunnel.address(to, inner);
            for (const sizeBytes of SIZES_BYTES) {
              await systemPing(tunnel.host(from), address, { sizeBytes });
            }
          }
        });
      }

      for (const [index, scheduler] of SCHEDULERS.entries()) {
        const [from, to, way] = DIRECTIONS[index >> 1]!;
        const inner = index % 2 === 0 ? 4 : 6;
        it(`carries 500 MB unchanged, ${scheduler}, IPv${inner} inside, ${way}`, async () => {
          await tunnel.use({ scheduler });
          const address = tunnel.address(to, inner);
          const receiver = tunnel
            .host(to)
            .spawn(process.execPath, scriptArgs('bulk', ['receive', address, String(PORT)]));
          await receiver.match(/listening/, 10_000);
          const send = scriptArgs('bulk', ['send', address, String(PORT), String(BYTES)]);
          const printed = await tunnel
            .host(from)
            .check(process.execPath, send, { timeoutMs: TRANSFER_TIMEOUT_MS });
          await receiver.waitFor(10_000);
          const received = JSON.parse(receiver.stdout.split('\n')[1] ?? '') as Transferred;
          const { sha256, seconds } = JSON.parse(printed) as Transferred;
          measured(`${((BYTES * 8) / seconds / 1e6).toFixed(0)} Mb/s`);
          expect(received).to.include({ bytes: BYTES, sha256 });
        });
      }
    });
  }
}
