/** Making, listing and revoking invites on this node. */
import { CodedError } from '../../overlay/base/errors.js';
import { isoTime } from '../../overlay/base/iso-time.js';
import { openGrant, type Grant, type GrantLimits } from '../../overlay/identity/grant.js';
import { encodeInvite } from '../../overlay/identity/invite.js';
import { issueGrant, latestExpiryS, type GrantSigner } from '../../overlay/identity/membership.js';
import { ROLE_INVITER } from '../../overlay/identity/names.js';
import { extendRevocations, type RevocationList } from '../../overlay/identity/revocation.js';
import type { Clock, Crypto, Rng } from '../../overlay/ports.js';
import type { Ledger } from '../../dhcp/ledger.js';
import type { ControlErrorCode, InviteFacts, InviteRequest } from './control.js';
import type { NodeIdentity } from './identity.js';
import type { Vault } from './vault.js';

const SEED_BYTES = 32;

export interface InviteParts {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly vault: Vault;
  readonly ledger: Ledger;
  readonly revocations: () => RevocationList | null;
  /** Stores and spreads a new list. */
  readonly revoke: (list: RevocationList) => Promise<void>;
  /** Addresses for newcomers to start from, best first. */
  readonly bootstrap: () => readonly string[];
}

export class Invites {
  readonly #parts: InviteParts;

  constructor(parts: InviteParts) {
    this.#parts = parts;
  }

  async create(request: InviteRequest): Promise<InviteFacts> {
    const { identity, clock, rng, crypto, vault, revocations } = this.#parts;
    const inviteSecret = rng.bytes(SEED_BYTES);
    const issued = issueGrant(
      this.#limits(request, clock.wallNow()),
      inviteSecret,
      this.#signer(),
      identity.genesis,
      revocations(),
      crypto,
    );
    if (!issued.ok) throw failure('bad-request', issued.detail);
    const grant = issued.value;
    const bootstrap = this.#parts.bootstrap();
    if (bootstrap.length === 0) {
      throw failure('unavailable', 'this node has no address yet that others could reach');
    }
    const { genesis, psk } = identity;
    const line = encodeInvite({ genesis, psk, grant, inviteSecret, bootstrap });
    if (!line.ok) throw failure('unavailable', line.detail);
    await vault.saveInvite(grant.id, grant.bytes);
    return this.#facts(grant, line.value);
  }

  async list(): Promise<InviteFacts[]> {
    const { vault, crypto } = this.#parts;
    const found: InviteFacts[] = [];
    for (const [, bytes] of await vault.invites()) {
      const opened = openGrant(bytes, crypto);
      if (opened.ok) found.push(this.#facts(opened.value.grant, null));
    }
    return found;
  }

  /** Puts an invite on the signed revocation list; whoever joined by it is out, too. */
  async revoke(id: string): Promise<InviteFacts> {
    const { identity, crypto, revocations } = this.#parts;
    if (!/^[0-9a-f]{16}$/.test(id)) {
      throw failure(
        'bad-request',
        'an invite id has 16 hexadecimal digits: see overlay invite list',
      );
    }
    if (identity.rootSecretKey === null) {
      throw failure('not-allowed', 'only the owner of the network can revoke: ask on its machine');
    }
    const known = (await this.list()).find((facts) => facts.id === id);
    const extended = extendRevocations(
      revocations(),
      { invites: [id] },
      identity.genesis,
      identity.rootSecretKey,
      crypto,
    );
    if (!extended.ok) throw failure('unavailable', extended.detail);
    await this.#parts.revoke(extended.value);
    if (known !== undefined) return { ...known, revoked: true };
    const unknown = { invite: null, expiresAt: null, uses: 0, used: null, name: null };
    return { id, ...unknown, revoked: true, address4: null, roles: [] };
  }

  #signer(): GrantSigner {
    const { rootSecretKey, secretKey, membership, membershipBytes } = this.#parts.identity;
    if (rootSecretKey !== null) return { kind: 'root', secretKey: rootSecretKey };
    if (!membership.roles.includes(ROLE_INVITER)) {
      throw failure(
        'not-allowed',
        'this node may not invite others: ask the owner, or join by an invite made with --role inviter',
      );
    }
    return { kind: 'member', secretKey, certificate: membershipBytes };
  }

  #limits(request: InviteRequest, wallNowMs: number): GrantLimits {
    const asked =
      request.expiresInMs === 0 ? 0 : Math.floor((wallNowMs + request.expiresInMs) / 1000);
    // An inviter's invites end with its own at the latest; asking for longer is no mistake.
    const bound =
      this.#parts.identity.rootSecretKey === null
        ? latestExpiryS(this.#parts.identity.membership)
        : 0;
    const expiresAtS = bound === 0 ? asked : asked === 0 ? bound : Math.min(asked, bound);
    return {
      expiresAtS,
      uses: request.uses,
      roles: request.roles,
      ...(request.name === undefined ? {} : { name: request.name }),
      ...(request.address4 === undefined ? {} : { address4: request.address4 }),
      ...(request.scheduler === undefined ? {} : { scheduler: request.scheduler }),
      ...(request.interfaces === undefined ? {} : { interfaces: request.interfaces }),
    };
  }

  #facts(grant: Grant, line: string | null): InviteFacts {
    const { clock, ledger, revocations } = this.#parts;
    let used = 0;
    for (const entry of ledger.live(clock.now())) {
      const { kind, key } = entry.subject;
      if (kind === 'invite' && key.startsWith(`${grant.id}/`) && entry.phase === 'committed')
        used += 1;
    }
    return {
      id: grant.id,
      invite: line,
      expiresAt: grant.expiresAtS === 0 ? null : isoTime(grant.expiresAtS * 1000),
      uses: grant.uses,
      used,
      revoked: revocations()?.invites.has(grant.id) ?? false,
      name: grant.name ?? null,
      address4: grant.address4 ?? null,
      roles: grant.roles,
    };
  }
}

function failure(code: ControlErrorCode, message: string): CodedError<ControlErrorCode> {
  return new CodedError(code, message);
}
