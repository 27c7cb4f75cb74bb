import { LeaseWorld } from '../../support/leases/lease-world.js';
for (const n of [1,2,3,5,8,20]) for (const settled of [true,false]) for (const loss of [0, 0.05]) it(`n=${n} ${settled} ${loss}`, async function () {
  this.timeout(200000);
  const t0 = performance.now(); let max = 0; let fails: string[] = []; const S = Number(process.env.S ?? 5);
  for (let seed = 1; seed <= S; seed++) {
    const w = new LeaseWorld({ seed, latencyMs: [1,200], loss, subnet: '10.77.0.0/27' });
    const nodes = await w.mesh(n, settled);
    w.watchBurns = loss === 0;
    const s = w.clock.now();
    if (!settled) nodes.forEach(x => x.startSettling());
    nodes.forEach(x => x.startKeeping());
    try { await w.untilAllHold(60000); max = Math.max(max, w.clock.now()-s); await w.clock.advance(2000); w.expectSafe(); } catch (e) { fails.push(String(e).split('\n').slice(0,3).join(' | ')); if (process.env.V) console.log(String(e)); }
  }
  console.log(n, settled, loss, 'worst', max, 'real/seed', ((performance.now()-t0)/S).toFixed(0), fails.length, fails.slice(0,3));
});
