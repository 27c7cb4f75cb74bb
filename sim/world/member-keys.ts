/** The network of a run, and the identities of its members, all made from small numbers. */
import { certifyByInvite, certifyByRoot } from '../../overlay/identity/certificate.js';
import type { Grant } from '../../overlay/identity/grant.js';
import { issueGrant } from '../../overlay/identity/membership.js';
import { createGenesis, type Genesis } from '../../overlay/identity/network.js';
import { assert } from '../../overlay/base/errors.js';
import { peerIdOfPublicKey, type PeerId } from '../../overlay/base/peer-id.js';
import type { Result } from '../../overlay/base/result.js';
import type { Crypto } from '../../overlay/ports.js';
import { identify, type NodeIdentity } from '../../src/node/identity.js';

/** Kinds of secrets, so that no two of them are the same. */
const MEMBER = 1;
const ROOT = 2;
const INVITE = 3;

function secretOf(kind: number, number: number): Uint8Array {
  const secret = new Uint8Array(32);
  const view = new DataView(secret.buffer);
  view.setUint32(0, kind);
  view.setUint32(4, number);
  return secret;
}

function unwrap<Value>(result: Result<Value>): Value {
  assert(result.ok, 'what the simulator makes is well-formed');
  return result.value;
}

export interface NetworkSettings {
  /** CIDR text. */
  readonly subnet4: string;
  readonly leaseTermS: number;
}

export class MemberKeys {
  readonly genesis: Genesis;
  readonly #crypto: Crypto;
  readonly #invite: Grant;

  constructor(settings: NetworkSettings, crypto: Crypto) {
    this.#crypto = crypto;
    const rootSecretKey = secretOf(ROOT, 0);
    const request = { ...settings, rootSecretKey, name: 'sim', open: false, createdAtS: 1 };
    this.genesis = unwrap(createGenesis(request, crypto));
    this.#invite = unwrap(
      issueGrant(
        { expiresAtS: 0, uses: 0, roles: [] },
        secretOf(INVITE, 0),
        { kind: 'root', secretKey: rootSecretKey },
        this.genesis,
        null,
        crypto,
      ),
    );
  }

  peer(number: number): PeerId {
    return peerIdOfPublicKey(this.#crypto.keyPair(secretOf(MEMBER, number)).publicKey);
  }

  /** The member that created the network. */
  founder(number: number): NodeIdentity {
    const rootSecretKey = secretOf(ROOT, 0);
    const roles = ['owner', 'inviter'];
    const peer = this.peer(number);
    const certificate = certifyByRoot(this.genesis, peer, roles, rootSecretKey, this.#crypto);
    return this.#identity(number, certificate, rootSecretKey);
  }

  /** One that joins by the invite that everybody has, whose uses are not limited. */
  invited(number: number): NodeIdentity {
    const secret = secretOf(INVITE, 0);
    const peer = this.peer(number);
    const certificate = certifyByInvite(this.#invite.bytes, peer, secret, this.#crypto);
    return this.#identity(number, certificate, null);
  }

  #identity(
    number: number,
    membership: Uint8Array,
    rootSecretKey: Uint8Array | null,
  ): NodeIdentity {
    const given = { secretKey: secretOf(MEMBER, number), genesis: this.genesis, membership };
    return identify({ ...given, psk: null, rootSecretKey }, this.#crypto);
  }
}
