/**
 * Goal: a pair of ends is a path only if it can be one. Method: candidates of hosts as they are found at home,
 * in offices and in data centres; what the controller plans for them.
 */
import { expect } from 'chai';
import { addressBytes } from '../../../../src/node/multipath/addresses.js';
import type { OwnCandidate } from '../../../../src/node/multipath/candidates.js';
import { pairOptions } from '../../../../src/node/multipath/pair-options.js';
import { Pairing } from '../../../../src/node/multipath/pairing.js';

const NEVER = (): boolean => false;

/** As `198.51.100.1/24`; each on an interface of its own unless said otherwise. */
function at(cidr: string, id: number, more: Partial<OwnCandidate> = {}): OwnCandidate {
  const [text = '', prefixLength] = cidr.split('/');
  return {
    ...{ id, interface: id, transport: 'udp', family: text.includes(':') ? 6 : 4, text },
    ...{ address: addressBytes(text)!, port: 7_000, prefixLength: Number(prefixLength) },
    ...{ routed: false, metricGroup: 0, backup: false, mtuBytes: 1_500 },
    ...{ socket: id, interfaceName: `eth${String(id)}` },
    ...more,
  };
}

const ROUTED = { routed: true };

/** What the controller plans, as `own address > remote address`. */
function planned(own: readonly OwnCandidate[], remote: readonly OwnCandidate[]): string[] {
  const { pairs, dueMs } = new Pairing(NEVER).plan(own, remote, 0);
  expect(dueMs).to.equal(Infinity);
  return pairs.map((pair) => `${pair.own.text} > ${pair.remote.text}`).sort();
}

const canMeet = (own: OwnCandidate, remote: OwnCandidate): boolean =>
  pairOptions([own], [remote], NEVER).length === 1;

describe('pairs of ends', () => {
  const straight = ['192.0.2.1 > 192.0.2.2', '198.51.100.1 > 198.51.100.2'];

  it('are two for two hosts on the same two wires', () => {
    const own = [at('192.0.2.1/24', 0), at('198.51.100.1/24', 1)];
    const remote = [at('192.0.2.2/24', 0), at('198.51.100.2/24', 1)];
    expect(planned(own, remote)).to.deep.equal(straight);
  });

  it('are no more when one of the wires leads to the internet', () => {
    const own = [at('192.0.2.1/24', 0, ROUTED), at('198.51.100.1/24', 1)];
    const remote = [at('192.0.2.2/24', 0, ROUTED), at('198.51.100.2/24', 1)];
    expect(planned(own, remote)).to.deep.equal(straight);
  });

  it('are all between hosts whose interfaces are all routed', () => {
    const own = [
      at('192.168.1.5/24', 0, ROUTED),
      at('10.8.0.7/16', 1, ROUTED),
      at('100.64.3.4/10', 2, ROUTED),
    ];
    const remote = [at('203.0.113.9/24', 0, ROUTED)];
    expect(planned(own, remote)).to.deep.equal(
      ['10.8.0.7', '100.64.3.4', '192.168.1.5'].map((text) => `${text} > 203.0.113.9`),
    );
    expect(planned(remote, own)).to.have.length(3);
  });

  it('are none when only one end is routed', () => {
    const [near, far] = ['192.168.1.5/24', '203.0.113.9/24'];
    expect(canMeet(at(near, 0, ROUTED), at(far, 0))).to.equal(false);
    expect(canMeet(at(near, 0), at(far, 0, ROUTED))).to.equal(false);
    expect(canMeet(at(near, 0, ROUTED), at(far, 0, ROUTED))).to.equal(true);
  });

  it('are judged by the shorter prefix of both, in both families', () => {
    const cases: readonly [string, string, boolean][] = [
      ['10.1.0.1/8', '10.9.0.1/24', true],
      ['10.1.0.1/16', '10.9.0.1/24', false],
      ['10.1.0.1/15', '10.0.0.1/32', true],
      ['10.1.0.1/32', '10.1.0.2/32', false],
      ['10.1.0.0/31', '10.1.0.1/31', true],
      ['2001:db8:1:2::1/64', '2001:db8:1:2:3::1/64', true],
      ['2001:db8:1:2::1/64', '2001:db8:1:3::1/64', false],
      ['2001:db8:1:2::1/63', '2001:db8:1:3::1/64', true],
      ['fd00:0:0:7::1/48', 'fd00:0:0:8::1/128', true],
      ['fd00:0:0:7::1/128', 'fd00:0:0:7::2/128', false],
    ];
    for (const [one, other, expected] of cases) {
      expect(canMeet(at(one, 0), at(other, 1)), `${one} ${other}`).to.equal(expected);
      expect(canMeet(at(other, 1), at(one, 0)), `${other} ${one}`).to.equal(expected);
    }
  });

  it('are of the family that is routed, and leave interfaces without one no slot', () => {
    const own = [
      at('192.168.1.5/24', 0, { interface: 0 }),
      at('2001:db8:1::5/64', 1, { interface: 0, routed: true }),
      at('172.16.0.5/24', 2, { interface: 1, routed: true }),
    ];
    const remote = [
      at('203.0.113.9/24', 0, { interface: 0 }),
      at('2001:db8:2::9/64', 1, { interface: 0, routed: true }),
    ];
    expect(planned(own, remote)).to.deep.equal(['2001:db8:1::5 > 2001:db8:2::9']);
  });

  it('go when the gateway does, and come back under a new id', () => {
    const own = at('192.168.1.5/24', 0, ROUTED);
    const remote = at('203.0.113.9/24', 0, ROUTED);
    const pairing = new Pairing(NEVER);
    const ids = (one: OwnCandidate): number[] =>
      pairing.plan([one], [remote], 0).pairs.map(({ id }) => id);
    expect(ids(own)).to.deep.equal([0]);
    pairing.started(0);
    pairing.changed(0, 'active', 0);
    expect(ids({ ...own, routed: false })).to.deep.equal([]);
    expect(ids(own)).to.deep.equal([1]);
  });
});
