/** What the lease protocol gets of its node. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Distance } from '../../overlay/peers/distance.js';
import type { LeaseContext } from '../../dhcp/context.js';
import { inBackground } from './background.js';
import type { Common, NodePorts } from './node-parts.js';
import type { Rights } from './rights.js';

export function leaseContext(
  common: Common,
  node: {
    readonly ports: Pick<NodePorts, 'directory' | 'store'>;
    readonly rights: Rights;
    readonly founder: boolean;
    readonly meet: LeaseContext['meet'];
    /** A member left; it is off the roster already. */
    readonly departed: (peer: PeerId) => void;
  },
): LeaseContext {
  const { identity, roster, cards, gate, vault, crypto, logger } = common;
  return {
    ...common,
    self: identity.self,
    secretKey: identity.secretKey,
    networkId: identity.networkId,
    directory: node.ports.directory,
    store: node.ports.store,
    distance: new Distance(crypto),
    judge: node.rights,
    membership: identity.membershipBytes,
    founder: node.founder,
    forbids: (peer, subject) => node.rights.forbids(peer, subject),
    meet: node.meet,
    hintOf: (peer) => cards.hintOf(peer),
    departed: (peer) => {
      roster.remove(peer);
      node.departed(peer);
      inBackground(logger, 'a member is not forgotten', vault.forgetMember(peer));
    },
    misbehaved: (peer, what) => {
      gate.misbehaved(peer, what);
    },
  };
}
