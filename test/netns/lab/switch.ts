/** A switch: a bridge in a namespace of its own, where no other traffic is and no rule applies. */
import { command } from './command.js';
import type { Plug } from './link.js';

const BRIDGE = 'br0';

export class Switch {
  readonly name: string;
  readonly netns: string;
  #ports = 0;

  /** `netns` exists already. */
  constructor(name: string, netns: string) {
    this.name = name;
    this.netns = netns;
    // Snooping holds multicast back until a querier is heard, which delays neighbour discovery;
    // spanning tree holds every port back for its forward delay.
    command('ip', [
      ...['-n', netns, 'link', 'add', BRIDGE, 'type', 'bridge'],
      ...['mcast_snooping', '0', 'stp_state', '0', 'forward_delay', '0'],
    ]);
    command('ip', ['-n', netns, 'link', 'set', BRIDGE, 'up']);
  }

  /** Names the next free port. */
  nextPort(): Plug {
    this.#ports += 1;
    return { netns: this.netns, device: `p${String(this.#ports)}` };
  }

  /** Adds a cable's end, made meanwhile, to the bridge. */
  attach(plug: Plug): void {
    command('ip', ['-n', this.netns, 'link', 'set', plug.device, 'master', BRIDGE]);
  }
}
