/** A router: a host that forwards, and that may hide the hosts behind it (NAT). */
import { commandIn } from './command.js';
import { Host } from './host.js';
import type { Link } from './link.js';

/**
 * Port seen outside. `kept`: the inner one where it is free, so the mapping is the same towards every
 * destination; `random`: a new one for each destination, the hard case for hole punching.
 */
export type NatPorts = 'kept' | 'random';

export class Router extends Host {
  constructor(name: string, netns: string, folder: string) {
    super(name, netns, folder);
    const forward =
      'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding';
    commandIn(netns, 'sh', ['-c', forward]);
  }

  /**
   * Rewrites what leaves by `outside` to the router's own address there, and lets in only what
   * answers it, as a home router does.
   */
  hideBehind(outside: Link, ports: NatPorts = 'kept'): void {
    const device = outside.host.device;
    const rules = `
      table inet nat {
        chain leaving {
          type nat hook postrouting priority srcnat; policy accept;
          oifname "${device}" masquerade ${ports === 'random' ? 'fully-random' : ''}
        }
      }
      table inet firewall {
        chain passing {
          type filter hook forward priority filter; policy accept;
          iifname "${device}" ct state established,related accept
          iifname "${device}" drop
        }
      }`;
    commandIn(this.netns, 'nft', ['-f', '-'], `${rules}\n`);
  }
}
