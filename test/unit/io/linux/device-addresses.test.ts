import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Logger } from '../../../../overlay/ports.js';
import { hasCode } from '../../../../overlay/base/errors.js';
import {
  enableIpv6,
  parseDeviceAddress,
  replaceAddresses,
} from '../../../../src/io/linux/device-addresses.js';
import { NetlinkError } from '../../../../src/io/linux/netlink.js';
import type { Prefix } from '../../../../src/io/linux/rtnetlink.js';

const LINK = 4;

function key({ address, prefixLength }: Prefix): string {
  return `${address.join('.')}/${String(prefixLength)}`;
}

function prefixes(...texts: string[]): Prefix[] {
  return texts.map((text) => {
    const [address = '', length] = text.split('/');
    return parseDeviceAddress({ address, prefixLength: Number(length) });
  });
}

/** A link that treats IPv4 addresses as Linux does: the first of a subnet takes the others along. */
class FakeLink {
  readonly changes: string[] = [];
  present: Prefix[];

  constructor(...present: string[]) {
    this.present = prefixes(...present);
  }

  addresses(): readonly Prefix[] {
    return [...this.present];
  }

  addAddress(_link: number, prefix: Prefix): void {
    if (this.present.some((one) => key(one) === key(prefix))) {
      throw new NetlinkError('refused', 'add', 'exists', 'EEXIST');
    }
    this.changes.push(`+${key(prefix)}`);
    this.present.push(prefix);
  }

  deleteAddress(_link: number, prefix: Prefix): void {
    const index = this.present.findIndex((one) => key(one) === key(prefix));
    if (index < 0) throw new NetlinkError('refused', 'delete', 'not there', 'EADDRNOTAVAIL');
    this.changes.push(`-${key(prefix)}`);
    // All test subnets are /16.
    const subnet = prefix.address.slice(0, 2).join('.');
    const primary = this.present.findIndex((one) => one.address.slice(0, 2).join('.') === subnet);
    if (index === primary) {
      this.present = this.present.filter((one) => one.address.slice(0, 2).join('.') !== subnet);
    } else this.present.splice(index, 1);
  }
}

describe('the addresses of a device', () => {
  it('are read as IPv4 or IPv6', () => {
    expect(parseDeviceAddress({ address: '10.77.3.9', prefixLength: 16 })).to.deep.equal({
      address: Uint8Array.of(10, 77, 3, 9),
      prefixLength: 16,
    });
    const six = parseDeviceAddress({ address: 'fd77::1', prefixLength: 64 });
    expect(Buffer.from(six.address).toString('hex')).to.equal('fd770000000000000000000000000001');
  });

  it('are refused when malformed', () => {
    const wrong: readonly [string, number][] = [
      ['', 8],
      ['10.77.3', 16],
      ['10.77.3.256', 16],
      ['0x0a.1.1.1', 16],
      ['10.77.3.9', 33],
      ['10.77.3.9', -1],
      ['10.77.3.9', 1.5],
      ['fd77::1', 129],
      ['fe80::1%eth0', 64],
      ['host', 8],
    ];
    for (const [address, prefixLength] of wrong) {
      expect(() => parseDeviceAddress({ address, prefixLength }), address)
        .to.throw()
        .that.satisfies((error: unknown) => hasCode(error, 'bad-address'));
    }
  });

  it('become exactly those wanted, and stay untouched when they are', () => {
    const link = new FakeLink('10.1.0.1/16', 'fd77::1/64');
    const wanted = prefixes('10.2.0.1/16', 'fd77::1/64');
    replaceAddresses(link, LINK, wanted);
    expect(link.present.map(key).sort()).to.deep.equal(wanted.map(key).sort());
    expect(link.changes).to.deep.equal(['-10.1.0.1/16', '+10.2.0.1/16']);
    replaceAddresses(link, LINK, wanted);
    expect(link.changes.length).to.equal(2);
  });

  it('survive the removal of the first address of their subnet', () => {
    const link = new FakeLink('10.1.0.1/16', '10.1.0.2/16', '10.1.0.3/16');
    replaceAddresses(link, LINK, prefixes('10.1.0.2/16'));
    expect(link.present.map(key)).to.deep.equal(['10.1.0.2/16']);
  });

  it('differ by their prefix length', () => {
    const link = new FakeLink('10.1.0.1/16');
    replaceAddresses(link, LINK, prefixes('10.1.0.1/24'));
    expect(link.present.map(key)).to.deep.equal(['10.1.0.1/24']);
  });

  it('report what the kernel refuses', () => {
    const link = new FakeLink();
    link.addAddress = () => {
      throw new NetlinkError('refused', 'add address', 'no', 'EPERM');
    };
    expect(() => {
      replaceAddresses(link, LINK, prefixes('10.1.0.1/16'));
    }).to.throw(NetlinkError);
  });
});

describe('IPv6 on a device', () => {
  let directory = '';
  let warnings: string[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => warnings.push(message),
    error: () => undefined,
  };
  beforeEach(() => {
    warnings = [];
    directory = mkdtempSync(join(tmpdir(), 'ipv6-'));
    mkdirSync(join(directory, 'ov0'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('is turned on where it is off, and closed to router advertisements', () => {
    writeFileSync(join(directory, 'ov0/disable_ipv6'), '1\n');
    writeFileSync(join(directory, 'ov0/accept_ra'), '1\n');
    expect(enableIpv6('ov0', 1420, logger, directory)).to.equal(true);
    expect(readFileSync(join(directory, 'ov0/disable_ipv6'), 'utf8')).to.equal('0');
    expect(readFileSync(join(directory, 'ov0/accept_ra'), 'utf8')).to.equal('0');
    expect(warnings).to.deep.equal([]);
  });

  it('is done without, with a warning, where the kernel has none', () => {
    expect(enableIpv6('ov1', 1420, logger, directory)).to.equal(false);
    expect(warnings.join()).to.match(/no IPv6 on ov1.*IPv4 only/);
  });

  it('is done without, with a warning, below its least MTU', () => {
    writeFileSync(join(directory, 'ov0/disable_ipv6'), '0\n');
    expect(enableIpv6('ov0', 1279, logger, directory)).to.equal(false);
    expect(warnings.join()).to.contain('1280');
  });
});
