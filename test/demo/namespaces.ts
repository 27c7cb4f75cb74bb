/** The demo as root: three hosts in network namespaces, real devices and the system's own ping. */
import type { Host } from '../netns/lab/host.js';
import { Lab } from '../netns/lab/lab.js';
import { create, expectOverlayPing, join, type Member } from '../netns/lab/network.js';
import { eventually, orderedPairs, systemPing } from '../netns/lab/scenario.js';
import { step } from './steps.js';

const FIRST_PING_TIMEOUT_MS = 10_000;
const LOG_LINES = 20;

async function pingAll(members: readonly Member[], pick: (to: Member) => string): Promise<number> {
  const times: number[] = [];
  for (const [from, to] of orderedPairs(members)) {
    const { avgMs } = await eventually('ping', FIRST_PING_TIMEOUT_MS, () =>
      systemPing(from.host, pick(to), { count: 2 }),
    );
    times.push(avgMs);
  }
  return times.reduce((sum, ms) => sum + ms, 0) / times.length;
}

async function run(hosts: readonly [Host, Host, Host]): Promise<void> {
  const [anna, berta, clara] = hosts;
  const address = (member: Member): string => member.address4;
  const a = await step('anna:  overlay create', () => create(anna), address);
  const b = await step('berta: overlay join ovl1...', () => join(berta, a.invite), address);
  const c = await step('clara: overlay join ovl1...', () => join(clara, a.invite), address);
  const members = [a, b, c];
  const average = (ms: number): string => `${ms.toFixed(2)} ms on average`;
  await step('each pings each other by IPv4', () => pingAll(members, (m) => m.address4), average);
  await step('each pings each other by IPv6', () => pingAll(members, (m) => m.address6), average);
  await step('each finds each other by name', async () => {
    for (const [from, to] of orderedPairs(members)) await expectOverlayPing(from, to.host.name);
  });
  await step('all stop', () => Promise.all(members.map((member) => member.node.terminate())));
}

export async function demoInNamespaces(): Promise<void> {
  const lab = await Lab.create();
  try {
    console.log('Three hosts in network namespaces of their own, on one switch:');
    const lan = lab.switch('lan');
    const hosts = ['anna', 'berta', 'clara'].map((name, index) => {
      const host = lab.host(name);
      const number = String(index + 1);
      host.connect(lan, { v4: `192.0.2.${number}/24`, v6: `2001:db8::${number}/64` });
      return host;
    }) as [Host, Host, Host];
    await run(hosts);
  } catch (error) {
    console.error(lab.logs(LOG_LINES));
    throw error;
  } finally {
    await lab.close();
  }
}
