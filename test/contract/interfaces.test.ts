/** One suite for the `Interfaces` port: by netlink, by polling and in memory. */
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { isIP } from 'node:net';
import { expect } from 'chai';
import type { Logger, NetworkInterface } from '../../overlay/ports.js';
import { MemoryInterfaces } from '../../sim/memory/interfaces.js';
import { ManualClock } from '../../sim/memory/manual-clock.js';
import { NodeClock } from '../../src/io/node-clock.js';
import {
  NetlinkInterfaces,
  openInterfaces,
  openInterfaceTables,
} from '../../src/io/linux/interfaces.js';
import { PollingInterfaces } from '../../src/io/polling-interfaces.js';
import { FakeTables } from '../unit/io/linux/fake-tables.js';
import { interfacesContract, type InterfacesWorld } from './interfaces-contract.js';

/** Longer than either kind takes to notice. */
const SETTLE_MS = 2_500;

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const ALL = { chosen: [], ignoreAddress: () => false, logger: SILENT };

type Found = Record<string, NetworkInterfaceInfo[]>;

/** As Node tells it: without loopback there would be no such name at all. */
function asNodeTells(interfaces: readonly NetworkInterface[]): Found {
  return Object.fromEntries(
    interfaces.map(({ name, index, addresses }) => [
      name,
      [
        ...addresses.map(({ address, prefixLength }) => infoOf(`${address}/${prefixLength}`, 0)),
        infoOf('fe80::1/64', index),
      ],
    ]),
  );
}

function infoOf(cidr: string, scopeid: number): NetworkInterfaceInfo {
  const [address = ''] = cidr.split('/');
  const common = { address, cidr, netmask: '', mac: '', internal: false };
  return isIP(address) === 6
    ? { ...common, family: 'IPv6', scopeid }
    : { ...common, family: 'IPv4' };
}

const WORLDS: readonly (readonly [string, () => InterfacesWorld])[] = [
  [
    'in memory',
    () => {
      const interfaces = new MemoryInterfaces();
      const set = interfaces.set.bind(interfaces);
      return { interfaces, set, knowsRoutes: true, settle: () => Promise.resolve() };
    },
  ],
  [
    'by netlink',
    () => {
      const clock = new ManualClock();
      const tables = new FakeTables();
      const interfaces = new NetlinkInterfaces(tables, { ...ALL, clock });
      const set = tables.set.bind(tables);
      const settle = (): Promise<void> => clock.advance(SETTLE_MS);
      return { interfaces, set, knowsRoutes: true, settle };
    },
  ],
  [
    'by polling',
    () => {
      const clock = new ManualClock();
      let found: Found = {};
      const interfaces = new PollingInterfaces({ ...ALL, clock, look: () => found });
      const set = (list: readonly NetworkInterface[]): void => {
        found = asNodeTells(list);
      };
      const settle = (): Promise<void> => clock.advance(SETTLE_MS);
      return { interfaces, set, knowsRoutes: false, settle };
    },
  ],
];

for (const [name, open] of WORLDS) {
  describe(`Interfaces ${name}`, () => {
    interfacesContract(open);
  });
}

describe('Interfaces of this machine', () => {
  it('are the same by netlink, by polling and as opened', function () {
    if (process.platform !== 'linux') this.skip();
    const options = { ...ALL, clock: new NodeClock() };
    const opened = [
      new NetlinkInterfaces(openInterfaceTables(), options),
      openInterfaces(options),
      new PollingInterfaces(options),
    ];
    const known = Object.entries(networkInterfaces());
    const names = known.filter(([, infos]) => infos?.[0]?.internal === false).map(([one]) => one);
    const [first, ...others] = opened.map((one) => one.current());
    for (const one of opened) one.close();
    expect(names).to.include.members(first!.map((one) => one.name));
    const [again, polled] = others;
    expect(again).to.deep.equal(first);
    // Polling knows neither kinds nor states, so it may list more.
    const withoutAddresses = (list: readonly NetworkInterface[] = []): object[] =>
      list.map(({ name, index, mtuBytes }) => ({ name, index, mtuBytes }));
    expect(withoutAddresses(polled)).to.deep.include.members(withoutAddresses(first));
  });
});
