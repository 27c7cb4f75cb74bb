/** Nodes and leases that checkers are shown, as far as they look at them. */
import type { LeaseCertificate } from '../../../dhcp/certificate.js';
import type { SubjectKind } from '../../../dhcp/subject.js';
import { type Violations } from '../../../sim/checkers/checker.js';
import { cheapCrypto } from '../../../sim/core/cheap-crypto.js';
import type { VirtualNode } from '../../../sim/world/virtual-node.js';
import { World } from '../../../sim/world/world.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { nodeCrypto } from '../node-crypto.js';

/** A node with what `facts` say of it, and nothing else. */
export function fakeNode(name: string, facts: object = {}): VirtualNode {
  return { name, peer: name as PeerId, starts: 1, run: null, ...facts } as unknown as VirtualNode;
}

export function fakeWorld(facts: object): World {
  return facts as unknown as World;
}

/** A real world of members that were not started. */
export function idleWorld(): World {
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return new World({ seed: 1, crypto: cheapCrypto((data) => nodeCrypto.sha256(data)), settle });
}

export function fakeLease(
  key: string,
  { renewal = 0, kind = 'address' }: { renewal?: number; kind?: SubjectKind } = {},
): LeaseCertificate {
  return {
    subject: { kind, key },
    owner: 'n0' as PeerId,
    claimId: new Uint8Array(16),
    epoch: 1,
    renewal,
    termS: 60,
    view: [],
    grants: [],
  };
}

/** What was found, as `name detail`. */
export function found(violations: Violations): string[] {
  return violations.kept.map(({ name, detail }) => `${name}: ${detail}`);
}
