/**
 * Goal: paths lead over the machine's own cards and over nothing that only looks like one.
 * Method: a table of links as they are found on laptops, routers, container hosts and in containers.
 */
import { expect } from 'chai';
import { judgeLink } from '../../../../src/io/linux/interface-judgement.js';
import type { LinkFacts } from '../../../../src/io/linux/interface-wire.js';

function link(name: string, more: Partial<LinkFacts> = {}): LinkFacts {
  return {
    ...{ name, index: 7, mtuBytes: 1500, up: true, running: true, loopback: false },
    ...{ pointToPoint: false, kind: null, masterIndex: null },
    ...more,
  };
}

/** What the link is, its facts, the kind of its master, and the reason against it if there is one. */
type Row = readonly [string, LinkFacts, string | null, RegExp | null];

const OTHERS = /^named like/;

const ROWS: readonly Row[] = [
  ['an Ethernet card', link('enp3s0'), null, null],
  ['a Wi-Fi card', link('wlan0'), null, null],
  ['a mobile modem', link('wwan0', { kind: 'wwan' }), null, null],
  ['a DSL dial-up', link('ppp0', { kind: 'ppp' }), null, null],
  ['a VLAN', link('eth0.7', { kind: 'vlan' }), null, null],
  ['a bond', link('bond0', { kind: 'bond' }), null, null],
  ['a team', link('team0', { kind: 'team' }), null, null],
  ['the card of a container', link('eth0', { kind: 'veth' }), null, null],
  ['the card of a container on macvlan', link('eth0', { kind: 'macvlan' }), null, null],
  ['a bridge that is the uplink', link('br0', { kind: 'bridge' }), null, null],
  ['a router bridge', link('br-lan', { kind: 'bridge' }), null, null],
  ['a Proxmox bridge', link('vmbr0', { kind: 'bridge' }), null, null],
  ['an Open vSwitch uplink', link('br-ex', { kind: 'openvswitch' }), null, null],
  ['a card with its own routing table', link('eth1'), 'vrf', null],

  ['loopback', link('lo', { loopback: true }), null, /^loopback$/],
  ['a card that is down', link('eth0', { up: false, running: false }), null, /^down$/],
  ['an unplugged card', link('eth0', { running: false }), null, /^no carrier$/],
  ['a port of a bridge', link('eth0'), 'bridge', /^part of a bridge$/],
  ['a member of a bond', link('eth0'), 'bond', /^part of a bond$/],
  ['a member of a team', link('eth0'), 'team', /^part of a team$/],
  ['a port of Open vSwitch', link('eth0'), 'openvswitch', /^part of a openvswitch$/],
  ['a part of who knows what', link('eth0'), 'unknown', /^part of a unknown$/],
  ['a veth of a container', link('veth1a2b3c', { kind: 'veth' }), 'bridge', /^part of a bridge$/],
  ['a TUN of any name', link('corp', { kind: 'tun' }), null, /^tunnel \(tun\)$/],
  ['a wireguard of any name', link('home', { kind: 'wireguard' }), null, /^tunnel \(wireguard\)$/],
  ['an IP tunnel', link('he-ipv6', { kind: 'sit' }), null, /^tunnel \(sit\)$/],
  ['a VXLAN', link('vx', { kind: 'vxlan' }), null, /^tunnel \(vxlan\)$/],
  ['a dummy', link('anycast', { kind: 'dummy' }), null, /^leads nowhere \(dummy\)$/],
  ['a virtual machine on macvtap', link('mv0', { kind: 'macvtap' }), null, /^leads nowhere/],
  ...[
    ...['docker0', 'docker_gwbridge', 'br-0123456789ab', 'cni0', 'cni-podman0', 'virbr0'],
    ...['lxcbr0', 'lxdbr0', 'podman1', 'kube-bridge', 'flannel.1'],
  ].map((name): Row => [`bridge ${name}`, link(name, { kind: 'bridge' }), null, OTHERS]),
  ...[
    ...['cali0123456789a', 'lxc_health', 'vnet3', 'tap0', 'tun0', 'wg0', 'ztabcdef', 'tailscale0'],
    ...['nebula1', 'ov0', 'ov12', 'easytier0', 'docker', 'kube-ipvs0'],
  ].map((name): Row => [`a card called ${name}`, link(name), null, OTHERS]),
  ...['br-0123456789a', 'br-0123456789abc', 'br-0123456789aZ', 'ovs0', 'ov', 'ov0a', 'xtun0'].map(
    (name): Row => [`a card called ${name}`, link(name), null, null],
  ),
];

describe('judgement over links', () => {
  for (const [what, facts, masterKind, reason] of ROWS) {
    it(`${reason === null ? 'uses' : 'leaves out'} ${what}`, () => {
      const judgement = judgeLink(facts, masterKind, []);
      if (reason === null) expect(judgement).to.deep.equal({ kind: 'used' });
      else if (judgement.kind === 'excluded') expect(judgement.reason).to.match(reason);
      else expect.fail('used');
    });
  }

  it('uses what was chosen, whatever it is, and nothing else', () => {
    const chosen = ['wg0', 'eth1', 'docker0', 'lo', 'eth9'];
    const judge = (facts: LinkFacts, masterKind: string | null = null): string => {
      const judgement = judgeLink(facts, masterKind, chosen);
      return judgement.kind === 'used' ? 'used' : judgement.reason;
    };
    expect(judge(link('wg0', { kind: 'wireguard' }))).to.equal('used');
    expect(judge(link('docker0', { kind: 'bridge' }))).to.equal('used');
    expect(judge(link('eth1'), 'bridge')).to.equal('used');
    expect(judge(link('eth0'))).to.equal('not chosen');
    expect(judge(link('lo', { loopback: true }))).to.equal('loopback');
    expect(judge(link('eth9', { running: false }))).to.equal('no carrier');
  });
});
