/**
 * Goal: changes are told soon and once, bursts and churn cost a bounded number of readings, and no
 * failure ends the watch.
 * Method: tables set by hand, in virtual time.
 */
import { expect } from 'chai';
import type { Logger, NetworkInterface } from '../../../../overlay/ports.js';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import {
  NetlinkInterfaces,
  openInterfaces,
  READINGS_PER_SECOND_MAX,
} from '../../../../src/io/linux/interfaces.js';
import { NetlinkError } from '../../../../src/io/linux/netlink.js';
import { PollingInterfaces } from '../../../../src/io/polling-interfaces.js';
import { FakeTables } from './fake-tables.js';

const GATHER_MS = 50;
const RETRY_MS = 2_000;
const QUIET_MS = 10_000;

function card(name: string, address = '192.0.2.1'): NetworkInterface {
  const addresses = [{ address, prefixLength: 24 }];
  return { name, index: 2, mtuBytes: 1500, addresses, routed4: false, routed6: false };
}

describe('interfaces by netlink', () => {
  let clock: ManualClock;
  let tables: FakeTables;
  let logs: (readonly [string, string, unknown])[];
  let logger: Logger;

  beforeEach(() => {
    clock = new ManualClock();
    tables = new FakeTables();
    logs = [];
    const at =
      (level: string): Logger['info'] =>
      (message, fields) => {
        logs.push([level, message, fields]);
      };
    logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  });

  function open(chosen: readonly string[] = []): NetlinkInterfaces {
    const ignoreAddress = (ip: string): boolean => ip.startsWith('10.77.');
    return new NetlinkInterfaces(tables, { chosen, ignoreAddress, clock, logger });
  }

  function tellings(interfaces: NetlinkInterfaces): number[] {
    const atMs: number[] = [];
    interfaces.watch(() => atMs.push(clock.now()));
    return atMs;
  }

  function warnings(): readonly string[] {
    return logs.filter(([level]) => level === 'warn').map(([, message]) => message);
  }

  it('are there at once', () => {
    tables.set([card('eth0')]);
    expect(open().current()).to.deep.equal([card('eth0')]);
  });

  it('are told of after a short gathering, once for a burst', async () => {
    const interfaces = open();
    const told = tellings(interfaces);
    await clock.advance(QUIET_MS);
    for (let change = 0; change < 200; change++) tables.set([card(`eth${change}`)]);
    await clock.advance(QUIET_MS);
    expect(told).to.deep.equal([QUIET_MS + GATHER_MS]);
    expect(interfaces.readings).to.equal(2);
    expect(interfaces.current()).to.deep.equal([card('eth199')]);
  });

  it('are not told of when a burst ends where it began', async () => {
    tables.set([card('eth0')]);
    const told = tellings(open());
    tables.set([]);
    tables.set([card('eth0')]);
    await clock.advance(QUIET_MS);
    expect(told).to.deep.equal([]);
  });

  it('are read a bounded number of times however much happens', async () => {
    const interfaces = open();
    await clock.advance(QUIET_MS);
    const before = interfaces.readings;
    for (let ms = 0; ms < 1000; ms++) {
      tables.touch();
      await clock.advance(1);
    }
    expect(interfaces.readings - before).to.be.within(2, READINGS_PER_SECOND_MAX);
    const atLast = card('eth0');
    tables.set([atLast]);
    await clock.advance(1000 / READINGS_PER_SECOND_MAX);
    expect(interfaces.current()).to.deep.equal([atLast]);
  });

  it('are told of when a gateway comes, and when it goes', async () => {
    tables.set([card('eth0')]);
    const interfaces = open();
    const told = tellings(interfaces);
    const routed = { ...card('eth0'), routed4: true };
    await clock.advance(QUIET_MS);
    tables.set([routed]);
    await clock.advance(QUIET_MS);
    expect(interfaces.current()).to.deep.equal([routed]);
    tables.set([card('eth0')]);
    await clock.advance(QUIET_MS);
    expect(interfaces.current()).to.deep.equal([card('eth0')]);
    expect(told).to.deep.equal([QUIET_MS + GATHER_MS, 2 * QUIET_MS + GATHER_MS]);
  });

  it('leave out own overlay addresses, and a device that has no others', () => {
    tables.set([card('eth0'), { ...card('eth1', '10.77.0.1'), index: 3 }]);
    expect(open().current()).to.deep.equal([card('eth0')]);
  });

  it('say in the log why one is left out', () => {
    tables.set([card('eth0'), { ...card('wg0'), index: 3 }]);
    open(['eth0', 'eth7']);
    const excluded = { lo: 'loopback', wg0: 'not chosen', eth7: 'not there' };
    expect(logs).to.deep.equal([['debug', 'network interfaces', { used: ['eth0'], excluded }]]);
  });

  it('go on being watched when the kernel stops telling, with one warning', async () => {
    const interfaces = open();
    await clock.advance(QUIET_MS);
    tables.drainErrno = 'EIO';
    tables.set([card('eth0')]);
    await clock.advance(GATHER_MS);
    expect(interfaces.current()).to.deep.equal([card('eth0')]);
    const before = interfaces.readings;
    await clock.advance(5 * RETRY_MS);
    expect(interfaces.readings - before).to.equal(5);
    expect(warnings()).to.have.length(1);
    tables.drainErrno = null;
    tables.set([card('eth1')]);
    await clock.advance(RETRY_MS);
    expect(interfaces.current()).to.deep.equal([card('eth1')]);
    await clock.advance(5 * RETRY_MS);
    expect(interfaces.readings - before).to.equal(6);
  });

  it('keep their last list while they cannot be read, and try again', async () => {
    tables.set([card('eth0')]);
    const interfaces = open();
    const told = tellings(interfaces);
    await clock.advance(QUIET_MS);
    tables.readError = new Error('out of memory');
    tables.set([card('eth1')]);
    await clock.advance(2 * RETRY_MS);
    expect(interfaces.current()).to.deep.equal([card('eth0')]);
    expect(warnings()).to.have.length(1);
    tables.readError = null;
    await clock.advance(RETRY_MS);
    expect(interfaces.current()).to.deep.equal([card('eth1')]);
    expect(told).to.have.length(1);
  });

  it('are read again soon when they changed while being read, without a word', async () => {
    const interfaces = open();
    await clock.advance(QUIET_MS);
    tables.readError = new NetlinkError('changing', 'list links', 'again');
    tables.set([card('eth0')]);
    await clock.advance(GATHER_MS);
    tables.readError = null;
    await clock.advance(1000 / READINGS_PER_SECOND_MAX);
    expect(interfaces.current()).to.deep.equal([card('eth0')]);
    expect(warnings()).to.deep.equal([]);
  });

  it('fail to open when they cannot be read at first, and leave nothing open', () => {
    tables.readError = new Error('no');
    expect(() => open()).to.throw('no');
    expect(tables.closed).to.equal(1);
  });

  it('are followed by polling where netlink does not work', () => {
    const ignoreAddress = (): boolean => false;
    const interfaces = openInterfaces({ chosen: [], ignoreAddress, clock, logger }, () => {
      throw new Error('no netlink here');
    });
    interfaces.close();
    expect(interfaces).to.be.instanceOf(PollingInterfaces);
    expect(logs[0]).to.deep.include('info');
    expect(logs[0]![1]).to.match(/some seconds late \(no netlink here\)/);
  });

  it('are read no more after close, in the middle of a burst too', async () => {
    const interfaces = open();
    tables.set([card('eth0')]);
    interfaces.close();
    interfaces.close();
    await clock.advance(QUIET_MS);
    expect(interfaces.readings).to.equal(1);
    expect(tables.closed).to.equal(1);
  });
});
