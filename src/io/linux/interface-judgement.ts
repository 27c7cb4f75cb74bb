/**
 * Which links of a machine paths may lead over: those that reach other machines by themselves. A path
 * over a tunnel would run inside another network (or inside this one), and one over a container's
 * bridge leads nowhere; both look like any card, so it takes the kernel's kinds and names by custom.
 */
import type { LinkFacts } from './interface-wire.js';

export type Judgement =
  | { readonly kind: 'used' }
  /** The reason is for a log. */
  | { readonly kind: 'excluded'; readonly reason: string };

const USED: Judgement = { kind: 'used' };

/** Their packets leave by another link, which counts itself. */
const TUNNEL_KINDS: ReadonlySet<string> = new Set([
  ...['tun', 'wireguard', 'amneziawg', 'ovpn', 'ipip', 'sit', 'gre', 'gretap', 'erspan'],
  ...['ip6tnl', 'ip6gre', 'ip6gretap', 'ip6erspan', 'vti', 'vti6', 'xfrm', 'vxlan', 'geneve'],
  ...['gtp', 'bareudp', 'l2tpeth'],
]);

/** Their packets do not leave this machine, or only as somebody else's. */
const INNER_KINDS: ReadonlySet<string> = new Set([
  ...['dummy', 'ifb', 'nlmon', 'vcan', 'netdevsim', 'vrf', 'macvtap', 'ipvtap'],
]);

/** A member of this stays a card with its own addresses: it only gets a routing table of its own. */
const MASTER_WITHOUT_PORTS = 'vrf';

/** What container engines, hypervisors and overlay networks call their devices. */
const NAMES_OF_OTHERS: readonly RegExp[] = [
  /^(docker|cni|podman|kube|flannel|cali|lxc|lxdbr|incusbr)/,
  /^(virbr|vnet|tap|tun|utun)/,
  /^(wg|zt|tailscale|nebula|easytier)/,
  // What Docker calls the bridge of a network of the user's.
  /^br-[0-9a-f]{12}$/,
  // Our own device.
  /^ov\d+$/,
];

/**
 * @param masterKind kind of the link that this one is part of; `unknown` if that has none, null if
 *   there is no such link
 * @param chosen names the user gave; empty: all that may be used. A chosen link is used whatever it
 *   is, loopback excepted.
 */
export function judgeLink(
  link: LinkFacts,
  masterKind: string | null,
  chosen: readonly string[],
): Judgement {
  if (link.loopback) return excluded('loopback');
  if (chosen.length > 0 && !chosen.includes(link.name)) return excluded('not chosen');
  if (!link.up) return excluded('down');
  if (!link.running) return excluded('no carrier');
  return chosen.length > 0 ? USED : judgeNature(link, masterKind);
}

function judgeNature({ name, kind }: LinkFacts, masterKind: string | null): Judgement {
  if (masterKind !== null && masterKind !== MASTER_WITHOUT_PORTS) {
    return excluded(`part of a ${masterKind}`);
  }
  if (kind !== null && TUNNEL_KINDS.has(kind)) return excluded(`tunnel (${kind})`);
  if (kind !== null && INNER_KINDS.has(kind)) return excluded(`leads nowhere (${kind})`);
  if (NAMES_OF_OTHERS.some((pattern) => pattern.test(name))) {
    return excluded('named like a device of containers, virtual machines or another overlay');
  }
  return USED;
}

function excluded(reason: string): Judgement {
  return { kind: 'excluded', reason };
}
