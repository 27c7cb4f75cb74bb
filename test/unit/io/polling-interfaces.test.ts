/**
 * Goal: where only Node tells of interfaces, those that can be told apart are, and the watch goes on.
 * Method: made-up answers of Node, in virtual time.
 */
import type { NetworkInterfaceInfo } from 'node:os';
import { expect } from 'chai';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { PollingInterfaces } from '../../../src/io/polling-interfaces.js';

const POLL_MS = 2_000;

function info(cidr: string | null, more: Partial<NetworkInterfaceInfo> = {}): NetworkInterfaceInfo {
  const six = cidr?.includes(':') === true;
  const common = { address: cidr?.split('/')[0] ?? '', cidr, netmask: '', mac: '' };
  const family = six ? { family: 'IPv6', scopeid: 0 } : { family: 'IPv4' };
  return { ...common, internal: false, ...family, ...more } as NetworkInterfaceInfo;
}

describe('interfaces by polling', () => {
  let clock: ManualClock;
  let found: NodeJS.Dict<NetworkInterfaceInfo[]>;
  let broken: Error | null;
  let warnings: string[];
  let looks = 0;

  beforeEach(() => {
    clock = new ManualClock();
    found = {};
    broken = null;
    warnings = [];
    looks = 0;
  });

  function open(chosen: readonly string[] = []): PollingInterfaces {
    const quiet = (): void => undefined;
    const warn = (message: string): number => warnings.push(message);
    return new PollingInterfaces({
      ...{ chosen, clock, logger: { debug: quiet, info: quiet, warn, error: warn } },
      ignoreAddress: (ip) => ip === '10.77.0.1',
      look: () => {
        looks++;
        if (broken !== null) throw broken;
        return found;
      },
    });
  }

  it('are judged by name and address', () => {
    found = {
      lo0: [info('127.0.0.1/8', { internal: true })],
      card1: [info('192.0.2.1/24'), info('fe80::7/64', { scopeid: 12 }), info(null)],
      card0: [info('198.51.100.1/24'), info('10.77.0.1/16')],
      card2: [info('10.77.0.1/16')],
      card3: [info('fe80::8/64', { scopeid: 14 })],
      card4: undefined,
      utun3: [info('10.8.0.1/24')],
    };
    const mtuBytes = 1500;
    const routed = { routed4: true, routed6: true };
    expect(open().current()).to.deep.equal([
      {
        ...{ name: 'card0', index: 0, mtuBytes },
        addresses: [{ address: '198.51.100.1', prefixLength: 24 }],
        ...routed,
      },
      {
        ...{ name: 'card1', index: 12, mtuBytes },
        addresses: [{ address: '192.0.2.1', prefixLength: 24 }],
        ...routed,
      },
    ]);
    expect(
      open(['utun3', 'lo0'])
        .current()
        .map(({ name }) => name),
    ).to.deep.equal(['utun3']);
  });

  it('are looked at every two seconds until closed', async () => {
    const interfaces = open();
    await clock.advance(POLL_MS - 1);
    expect(looks).to.equal(1);
    await clock.advance(3 * POLL_MS);
    expect(looks).to.equal(4);
    interfaces.close();
    await clock.advance(3 * POLL_MS);
    expect(looks).to.equal(4);
  });

  it('stay as they were while the system does not tell, with one warning', async () => {
    found = { card0: [info('192.0.2.1/24')] };
    const interfaces = open();
    broken = new Error('EACCES');
    await clock.advance(3 * POLL_MS);
    expect(interfaces.current()).to.have.length(1);
    expect(warnings).to.deep.equal(['network interfaces are unknown: EACCES']);
    broken = null;
    found = {};
    await clock.advance(POLL_MS);
    expect(interfaces.current()).to.deep.equal([]);
  });
});
