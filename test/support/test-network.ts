/** A network made for one test: its genesis, and the identities of its nodes from small numbers. */
import { certifyByInvite, certifyByRoot } from '../../overlay/identity/certificate.js';
import type { Grant, GrantLimits } from '../../overlay/identity/grant.js';
import { issueGrant, type GrantSigner } from '../../overlay/identity/membership.js';
import { createGenesis, type Genesis } from '../../overlay/identity/network.js';
import { peerIdOfPublicKey, type PeerId } from '../../overlay/base/peer-id.js';
import { cachingCrypto } from '../../src/node/caching-crypto.js';
import { identify, type NodeIdentity } from '../../src/node/identity.js';
import { seed, unwrap } from './identity.js';
import { NodeCrypto } from '../../src/io/node-crypto.js';

/** Verified signatures are remembered for all nodes of a test at once: they are the same bytes. */
export const testCrypto = cachingCrypto(new NodeCrypto());

export interface TestInvite {
  readonly grant: Grant;
  readonly inviteSecret: Uint8Array;
}

export interface TestNetworkOptions {
  readonly subnet4?: string;
  readonly leaseTermS?: number;
  readonly psk?: Uint8Array;
  /** Another number makes another network. */
  readonly root?: number;
}

export class TestNetwork {
  readonly genesis: Genesis;
  readonly rootSecretKey: Uint8Array;
  readonly psk: Uint8Array | null;
  #invites = 0;
  #open: TestInvite | null = null;

  constructor(options: TestNetworkOptions = {}) {
    this.psk = options.psk ?? null;
    this.rootSecretKey = seed(options.root ?? 900_001);
    this.genesis = unwrap(
      createGenesis(
        {
          rootSecretKey: this.rootSecretKey,
          name: 'home',
          subnet4: options.subnet4 ?? '10.77.0.0/16',
          open: false,
          createdAtS: 1_700_000_000,
          leaseTermS: options.leaseTermS ?? 3_600,
        },
        testCrypto,
      ),
    );
  }

  peer(number: number): PeerId {
    return peerIdOfPublicKey(testCrypto.keyPair(seed(number)).publicKey);
  }

  /** The node that created the network. */
  founder(number = 1): NodeIdentity {
    const roles = ['owner', 'inviter'];
    const { genesis, rootSecretKey } = this;
    const certificate = certifyByRoot(genesis, this.peer(number), roles, rootSecretKey, testCrypto);
    return this.identity(number, certificate, rootSecretKey);
  }

  /** A member by the root key itself, which needs no admission. */
  rooted(number: number, roles: readonly string[] = []): NodeIdentity {
    const { genesis, rootSecretKey } = this;
    const peer = this.peer(number);
    const certificate = certifyByRoot(genesis, peer, roles, rootSecretKey, testCrypto);
    return this.identity(number, certificate, null);
  }

  /** An invite by the root key; any number may use it, for ever, unless limited. */
  invite(limits: Partial<GrantLimits> = {}, signer?: GrantSigner): TestInvite {
    const inviteSecret = seed(800_000 + this.#invites++);
    const issued = issueGrant(
      { expiresAtS: 0, uses: 0, roles: [], ...limits },
      inviteSecret,
      signer ?? { kind: 'root', secretKey: this.rootSecretKey },
      this.genesis,
      null,
      testCrypto,
    );
    return { grant: unwrap(issued), inviteSecret };
  }

  /** A node that holds an invite; one for everyone if none is given. */
  invited(number: number, invite?: TestInvite): NodeIdentity {
    return this.identity(number, this.certificate(number, invite), null);
  }

  certificate(number: number, invite?: TestInvite): Uint8Array {
    this.#open ??= this.invite();
    const { grant, inviteSecret } = invite ?? this.#open;
    return certifyByInvite(grant.bytes, this.peer(number), inviteSecret, testCrypto);
  }

  identity(number: number, membership: Uint8Array, rootSecretKey: Uint8Array | null): NodeIdentity {
    const { genesis, psk } = this;
    return identify(
      { secretKey: seed(number), genesis, membership, psk, rootSecretKey },
      testCrypto,
    );
  }
}
