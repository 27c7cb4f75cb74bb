/**
 * A member that renews a lease of somebody else: everything that takes is in the certificate, which is public. If the
 * witnesses let it, it holds what another holds. It speaks the protocol by itself, since no node would do that.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Rpc } from '../../overlay/ports.js';
import {
  encodeCertificate,
  verifyGrant,
  type ClaimTerms,
  type Grant,
  type LeaseCertificate,
} from '../../dhcp/certificate.js';
import {
  LEASE_PROTOCOL,
  leaseRequestCodec,
  leaseResponseCodec,
  type LeaseRequest,
  type LeaseResponse,
} from '../../dhcp/messages.js';
import { quorumOf } from '../../dhcp/quorum.js';
import { WITNESS_TIMEOUT_MS } from '../../dhcp/terms.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';

async function ask(rpc: Rpc, to: PeerId, request: LeaseRequest): Promise<LeaseResponse | null> {
  try {
    const options = { timeoutMs: WITNESS_TIMEOUT_MS };
    const raw = await rpc.request(to, LEASE_PROTOCOL, leaseRequestCodec.encode(request), options);
    const response = leaseResponseCodec.decode(raw);
    return response.ok ? response.value : null;
  } catch {
    // A witness that does not answer does not help.
    return null;
  }
}

/** Whether `thief` got a quorum to let it renew the lease of another; the world is told if so. */
export async function steal(
  world: World,
  thief: VirtualNode,
  lease: LeaseCertificate,
): Promise<boolean> {
  const { run } = thief;
  if (run === null) return false;
  const { rpc } = run.host;
  const startedMs = world.nowMs;
  const terms: ClaimTerms = { ...lease, owner: thief.peer, renewal: lease.renewal + 1 };
  const { subject, claimId, epoch, renewal, termS, view } = terms;
  const witnesses = view.filter((peer) => peer !== thief.peer);
  const grants: Grant[] = [];
  await Promise.all(
    witnesses.map(async (witness) => {
      const { kind, key } = subject;
      const request: LeaseRequest = ['claim', kind, key, claimId, epoch, renewal, termS, [...view]];
      const response = await ask(rpc, witness, request);
      if (response?.[0] !== 'granted') return;
      const { networkId } = thief.identity;
      if (!verifyGrant(world.crypto, networkId, terms, witness, response[1])) return;
      const membership = world.nodeOf(witness)?.identity.membershipBytes ?? new Uint8Array();
      grants.push({ witness, signature: response[1], membership });
    }),
  );
  const needed = quorumOf(view.length);
  if (grants.length < needed) return false;
  const certificate: LeaseCertificate = { ...terms, grants };
  const raw = encodeCertificate(certificate);
  const answers = await Promise.all(witnesses.map((peer) => ask(rpc, peer, ['commit', raw])));
  if (answers.filter((answer) => answer?.[0] === 'done').length < needed) return false;
  if (thief.run !== run) return false;
  world.tell({ kind: 'lease', node: thief, certificate, untilMs: startedMs + termS * 1_000 });
  return true;
}
