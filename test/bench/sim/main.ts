/**
 * How fast the simulator's core and its model of the directory are. Run by hand:
 *   node --expose-gc dist/test/bench/sim/main.js [--textbook] [--long] [nodes ...]
 */
import { KAD_DHT, TEXTBOOK } from '../../../sim/dht/parameters.js';
import { churn } from './churn.js';
import { coreLoop } from './core-loop.js';

const args = process.argv.slice(2);
const parameters = args.includes('--textbook') ? TEXTBOOK : KAD_DHT;
// A large network takes minutes to grow; the short one shows the speed, the long one how tables fill.
const times = args.includes('--long')
  ? { growS: 600, settleS: 3_000, measureS: 120 }
  : { growS: 60, settleS: 20, measureS: 20 };
const sizes = args.filter((arg) => !arg.startsWith('--')).map(Number);

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}

for (const [pending, cancelled] of [
  [1_000, 0],
  [100_000, 0],
  [100_000, 0.5],
] as const) {
  const { eventsPerS } = coreLoop(pending, 2_000_000, cancelled);
  console.log(
    `core loop, ${thousands(pending)} pending, ${String(100 * cancelled)} % cancelled: ` +
      `${thousands(eventsPerS)} events/s`,
  );
}
for (const nodes of sizes.length > 0 ? sizes : [1_000, 10_000, 100_000]) {
  const figures = churn({ nodes, ...times, parameters });
  const { simulatedS, wallS, cpuS, events } = figures;
  console.log(
    [
      `${thousands(nodes)} nodes:`,
      `${(simulatedS / wallS).toFixed(2)} simulated s a second, ${(simulatedS / cpuS).toFixed(2)} a`,
      `second of processor, ${thousands(events / cpuS)} events/s of processor,`,
      `${thousands(figures.bytesPerNode)} bytes of memory a node;`,
      `table ${figures.tableContacts.toFixed(0)} contacts, ${figures.deadContacts.toFixed(1)} dead;`,
      `lookup ${figures.requestsPerLookup.toFixed(1)} requests, ${figures.lookupMsMedian.toFixed(0)} ms,`,
      `${(100 * figures.nearestFound).toFixed(1)} % of the 8 nearest;`,
      `${figures.bytesPerNodeAndS.toFixed(0)} B/s sent a node;`,
      `fingerprint ${figures.fingerprint.toString(16)}`,
    ].join(' '),
  );
}
