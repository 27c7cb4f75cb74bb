/** A small network for tests of identities: keys from small numbers, grants and members from them. */
import { encode } from 'cborg';
import { peerIdOfPublicKey, type PeerId } from '../../overlay/base/peer-id.js';
import { certifyByInvite, certifyByRoot } from '../../overlay/identity/certificate.js';
import type { Grant, GrantLimits } from '../../overlay/identity/grant.js';
import { issueGrant, type GrantSigner } from '../../overlay/identity/membership.js';
import { createGenesis, type Genesis } from '../../overlay/identity/network.js';
import type { Result } from '../../overlay/base/result.js';
import { nodeCrypto } from './node-crypto.js';

/** A 32-byte seed that is different for each number. */
export function seed(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
}

export function peer(number: number): PeerId {
  return peerIdOfPublicKey(nodeCrypto.keyPair(seed(number)).publicKey);
}

export function unwrap<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Error(`${result.code}: ${result.detail}`);
  return result.value;
}

/** The code of a rejection, or `ok`. */
export function codeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.code;
}

/** A signed object made without the code under test, also one that this code would refuse to sign. */
export function signByHand(domain: string, body: unknown, secretKey: Uint8Array): Uint8Array {
  const encoded = encode(body);
  const message = Buffer.concat([Buffer.from(`${domain}\0`), encoded]);
  return encode([body, nodeCrypto.sign(secretKey, message)]);
}

export const ROOT_SEED = seed(1);

export function genesisOf(rootSecretKey: Uint8Array, open = false): Genesis {
  return unwrap(
    createGenesis(
      {
        rootSecretKey,
        name: 'home',
        subnet4: '10.77.0.0/16',
        open,
        createdAtS: 1_760_000_000,
        leaseTermS: 600,
      },
      nodeCrypto,
    ),
  );
}

export const GENESIS = genesisOf(ROOT_SEED);
export const ROOT_SIGNER: GrantSigner = { kind: 'root', secretKey: ROOT_SEED };
export const PLAIN_LIMITS: GrantLimits = { expiresAtS: 1_800_000_000, uses: 5, roles: [] };

/** A grant whose invite secret is `seed(secret)`. */
export function grantBy(
  signer: GrantSigner,
  secret: number,
  limits: Partial<GrantLimits> = {},
): Result<Grant> {
  return issueGrant(
    { ...PLAIN_LIMITS, ...limits },
    seed(secret),
    signer,
    GENESIS,
    null,
    nodeCrypto,
  );
}

/** Member `number` by a grant from `signer`; its invite secret is `seed(1000 + number)`. */
export function memberBy(
  signer: GrantSigner,
  number: number,
  limits: Partial<GrantLimits> = {},
): { signer: GrantSigner; certificate: Uint8Array; grant: Grant } {
  const grant = unwrap(grantBy(signer, 1000 + number, limits));
  const certificate = certifyByInvite(grant.bytes, peer(number), seed(1000 + number), nodeCrypto);
  return {
    signer: { kind: 'member', secretKey: seed(number), certificate },
    certificate,
    grant,
  };
}

/** The owner as a member, able to sign grants by its own key. */
export function owner(number: number): { signer: GrantSigner; certificate: Uint8Array } {
  const certificate = certifyByRoot(
    GENESIS,
    peer(number),
    ['owner', 'inviter'],
    ROOT_SEED,
    nodeCrypto,
  );
  return { signer: { kind: 'member', secretKey: seed(number), certificate }, certificate };
}
