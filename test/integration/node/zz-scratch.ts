import { RealNodes, type RealNode } from '../../support/real-nodes.js';
const N = Number(process.argv[2]); const term = Number(process.argv[3] ?? 3600);
const nodes = new RealNodes({ subnet4: '10.99.0.0/27', leaseTermS: term });
const all: RealNode[] = [];
const t0 = performance.now();
const founder = await nodes.found();
all.push(founder);
console.log('founded', Math.round(performance.now() - t0));
const t1 = performance.now();
all.push(...(await Promise.all(Array.from({ length: N - 1 }, (_, i) => nodes.join(i + 2, founder)))));
console.log('started', Math.round(performance.now() - t1));
const lim = Number(process.argv[4] ?? 30000);
try {
  while (!all.every((n) => n.facade.status().ready)) {
    if (performance.now() - t1 > lim) throw new Error('late');
    await new Promise((r) => setTimeout(r, 1000));
    const cpu = process.cpuUsage();
    console.log(Math.round(performance.now() - t1), 'cpu', Math.round((cpu.user + cpu.system) / 1e6), 'ready', all.filter((n) => n.facade.status().ready).length, 'admitted', all.filter((n) => n.node.admitted).length, 'settled', all.filter((n) => n.node.views.selfSettled).length, 'conns', all.map((n) => n.facade.status().peers.connected).join(','), 'fail', all.flatMap((n) => n.failures.map((f) => f.message)).join(';'));
    if (process.env.V) console.log(all.map((n) => n.facade.status().waitingFor).join(' | '));
  }
  console.log('ALL READY', Math.round(performance.now() - t1), all.map((n) => Math.round(n.node.acquiredInMs ?? 0)).join(' '));
  const t2 = performance.now();
  while (!all.every((n) => n.facade.status().peers.connected === N - 1) && performance.now() - t2 < 15000) await new Promise((r) => setTimeout(r, 100));
  console.log('mesh', Math.round(performance.now() - t2));
  const c0 = process.cpuUsage(); await new Promise((r) => setTimeout(r, 5000)); const c1 = process.cpuUsage(c0);
  console.log('idle cpu %', (c1.user + c1.system) / 50000);
} catch (e) { console.log(String(e)); console.log(all.map((n) => n.facade.status().waitingFor).join('\n')); }
await nodes.end();
process.exit(0);
