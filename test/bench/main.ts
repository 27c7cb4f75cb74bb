/**
 * Measures the overlay next to a bare link and to nebula, on the same hosts in the same run.
 *
 *   node main.js [--small] [--write]
 *
 *   a ---+              +--- c
 *        +-- switch lan +--- d        b is where joins are measured;
 *   b ---+              +--- e        a to e form the idle network of five
 *
 * `--small` only shows that everything works; `--write` puts the tables into docs/BENCHMARKS.md.
 */
import { messageOf } from '../../overlay/base/errors.js';
import type { Host } from '../netns/lab/host.js';
import { Lab } from '../netns/lab/lab.js';
import { create, joinAll, type Member } from '../netns/lab/network.js';
import { missingTools } from '../netns/lab/requirements.js';
import { startNebula } from './nebula.js';
import { measureColdStart, measureIdle } from './overlay.js';
import { surroundings, tables, writeDocument, type Results } from './report.js';
import { FULL, SMALL, type BenchSize } from './size.js';
import { measureTraffic, type Traffic } from './traffic.js';

function say(line: string): void {
  console.log(line);
}

function buildHosts(lab: Lab): readonly [Host, Host, Host, Host, Host] {
  const lan = lab.switch('lan');
  return ['a', 'b', 'c', 'd', 'e'].map((name, index) => {
    const host = lab.host(name);
    host.connect(lan, { v4: `192.0.2.${String(index + 1)}/24` });
    return host;
  }) as [Host, Host, Host, Host, Host];
}

async function measureNebula(a: Host, b: Host, size: BenchSize): Promise<Traffic | null> {
  const missing = missingTools(['nebula', 'nebula-cert']);
  if (missing.length > 0) {
    say(`nebula is left out, not installed: ${missing.join(', ')}`);
    return null;
  }
  const pair = await startNebula([a, b], ['192.0.2.1', '192.0.2.2']);
  const [innerA, innerB] = pair.inner;
  const traffic = measureTraffic({ host: a, address: innerA }, { host: b, address: innerB }, size);
  return traffic.finally(() => pair.stop());
}

async function measureAll(lab: Lab, size: BenchSize): Promise<Results> {
  const [a, b, c, d, e] = buildHosts(lab);
  say('bare link...');
  const bare = await measureTraffic(
    { host: a, address: '192.0.2.1' },
    { host: b, address: '192.0.2.2' },
    size,
  );
  say('nebula...');
  const nebula = await measureNebula(a, b, size);

  const creator = await create(a);
  const others = await joinAll([c, d, e], creator.invite);
  say(`${String(size.joins)} joins...`);
  const coldStart = await measureColdStart(b, creator.invite, creator, size);
  const [memberB] = (await joinAll([b], creator.invite)) as [Member];
  say('an idle network of five...');
  const idle = await measureIdle([creator, memberB, ...others], size);
  say('overlay...');
  const overlay = await measureTraffic(
    { host: a, address: creator.address4 },
    { host: b, address: memberB.address4 },
    size,
  );
  return {
    coldStart,
    idle,
    traffic: [
      ['bare link', bare],
      ['nebula', nebula],
      ['overlay', overlay],
    ],
  };
}

async function main(flags: readonly string[]): Promise<void> {
  const unknown = flags.filter((flag) => flag !== '--small' && flag !== '--write');
  if (unknown.length > 0) throw new Error(`unknown flag ${unknown.join(' ')}`);
  const size = flags.includes('--small') ? SMALL : FULL;
  const lab = await Lab.create({ tools: ['iperf3'] });
  try {
    const results = await measureAll(lab, size);
    say(`\n${surroundings(size).join('\n')}\n\n${tables(results)}`);
    if (flags.includes('--write')) say(`\nwritten to ${writeDocument(results, size)}`);
  } catch (error) {
    say(lab.logs(40));
    throw error;
  } finally {
    await lab.close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}
