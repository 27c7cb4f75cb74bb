/** Who this node is and which network it belongs to; fixed for a run. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { address6Of, prefix6Of } from '../../overlay/identity/addresses.js';
import { verifyMembership, type Membership } from '../../overlay/identity/membership.js';
import { subnet4Of, type Genesis } from '../../overlay/identity/network.js';
import { CodedError } from '../../overlay/base/errors.js';
import { peerIdOfPublicKey } from '../../overlay/base/peer-id.js';
import type { Crypto } from '../../overlay/ports.js';
import { AddressPool } from '../../dhcp/pool.js';

export interface NodeIdentity {
  readonly self: PeerId;
  /** 32-byte Ed25519 seed. */
  readonly secretKey: Uint8Array;
  readonly genesis: Genesis;
  readonly networkId: string;
  /** `fd..::/48` */
  readonly prefix6: string;
  readonly address6: string;
  readonly pool: AddressPool;
  /** Signed form and what it says. */
  readonly membershipBytes: Uint8Array;
  readonly membership: Membership;
  readonly psk: Uint8Array | null;
  /** Seed of the network's root key; at its owner only. */
  readonly rootSecretKey: Uint8Array | null;
}

/** @throws CodedError 'bad-membership' when the stored certificate is not good for this key */
export function identify(
  given: {
    readonly secretKey: Uint8Array;
    readonly genesis: Genesis;
    readonly membership: Uint8Array;
    readonly psk: Uint8Array | null;
    readonly rootSecretKey: Uint8Array | null;
  },
  crypto: Crypto,
): NodeIdentity {
  const { secretKey, genesis } = given;
  const self = peerIdOfPublicKey(crypto.keyPair(secretKey).publicKey);
  const judged = verifyMembership(given.membership, self, genesis, null, crypto);
  if (!judged.ok) {
    throw new CodedError('bad-membership', `${judged.detail}: join the network again`, {
      code: judged.code,
    });
  }
  return {
    self,
    secretKey,
    genesis,
    networkId: genesis.networkId,
    prefix6: prefix6Of(genesis.networkId),
    address6: address6Of(genesis.networkId, self, crypto),
    pool: new AddressPool(subnet4Of(genesis)),
    membershipBytes: given.membership,
    membership: judged.value,
    psk: given.psk,
    rootSecretKey: given.rootSecretKey,
  };
}
