import { createHash } from 'node:crypto';
import { Simulation } from '../sim/scenarios/simulation.js';
import { cheapCrypto } from '../sim/core/cheap-crypto.js';
const n = Number(process.argv[2] ?? 20);
const seed = Number(process.argv[3] ?? 1);
const sim = new Simulation({ seed, nodes: n, durationMs: 60000, lookupsPerS: 5,
  crypto: cheapCrypto((d) => new Uint8Array(createHash('sha256').update(d).digest())),
  settle: () => new Promise((r) => setImmediate(r)), subnet4: '10.77.0.0/16', driftPpmMax: 100, wallOffsetMsMax: 1000,
});
const t0 = performance.now();
const founder = sim.world.add(); void sim.world.start(founder);
await sim.until(() => sim.acquired.waiting === 0, 30000);
console.log('founder', sim.world.nowMs, founder.run?.node.configured4);
for (let i = 1; i < n; i++) { const x = sim.world.add(); void sim.world.start(x); }
const ok = await sim.until(() => sim.acquired.waiting === 0, 60000);
console.log(ok, sim.world.nowMs, sim.acquired.waiting);
const before = sim.world.traffic.bytes;
await sim.advance(60000);
console.log('idle B/s/node', (sim.world.traffic.bytes - before) / 60 / n);
await sim.converge(10000);
const t = [...sim.acquired.timesMs].sort((a, b) => a - b);
console.log('acquire p50', t[t.length >> 1], 'max', t.at(-1), 'virtual', sim.world.nowMs, 'wall', performance.now() - t0, 'events', sim.world.clock.fired, 'msgs', sim.world.traffic.messages, 'hash', sim.world.log.hash(), [...sim.violations.counts], sim.lookups.facts.count, sim.lookups.facts.correct, 'rss', process.memoryUsage().rss / 1e6);
for (const v of sim.violations.kept.slice(0, 5)) console.log(v);
