/** What a node keeps in its store besides ledger and leases: members, admission, revocations, invites. */
import * as z from 'zod';
import { parsePeerId, type PeerId } from '../../overlay/base/peer-id.js';
import { CERTIFICATE_BYTES_MAX as MEMBERSHIP_BYTES_MAX } from '../../overlay/identity/certificate.js';
import { GRANT_BYTES_MAX } from '../../overlay/identity/grant.js';
import type { Store } from '../../overlay/ports.js';
import { bytes, codec, text } from '../../overlay/wire/codec.js';

const MEMBER_PREFIX = 'member/';
const INVITE_PREFIX = 'invite/';
const ADMISSION_KEY = 'admission';
const REVOCATIONS_KEY = 'revocations';

const memberCodec = codec(
  z.tuple([bytes({ max: MEMBERSHIP_BYTES_MAX }), z.boolean(), z.array(text(512)).max(16)]),
  { bytesMax: 16 * 1024 },
);

export interface StoredMember {
  readonly peer: PeerId;
  readonly membership: Uint8Array;
  readonly settled: boolean;
  readonly addresses: readonly string[];
}

export class Vault {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async members(): Promise<StoredMember[]> {
    const found: StoredMember[] = [];
    for (const [key, value] of await this.#store.list(MEMBER_PREFIX)) {
      const peer = parsePeerId(key.slice(MEMBER_PREFIX.length));
      const decoded = memberCodec.decode(value);
      if (!peer.ok || !decoded.ok) {
        await this.#store.delete(key);
        continue;
      }
      const [membership, settled, addresses] = decoded.value;
      found.push({ peer: peer.value, membership, settled, addresses });
    }
    return found;
  }

  async saveMember(member: StoredMember): Promise<void> {
    await this.#store.put(
      MEMBER_PREFIX + member.peer,
      memberCodec.encode([member.membership, member.settled, [...member.addresses]]),
    );
  }

  async forgetMember(peer: PeerId): Promise<void> {
    await this.#store.delete(MEMBER_PREFIX + peer);
  }

  async admission(): Promise<Uint8Array | null> {
    return await this.#store.get(ADMISSION_KEY);
  }

  async saveAdmission(certificate: Uint8Array): Promise<void> {
    await this.#store.put(ADMISSION_KEY, certificate);
  }

  async revocations(): Promise<Uint8Array | null> {
    return await this.#store.get(REVOCATIONS_KEY);
  }

  async saveRevocations(list: Uint8Array): Promise<void> {
    await this.#store.put(REVOCATIONS_KEY, list);
  }

  /** Signed grants of the invites made here, by invite id. */
  async invites(): Promise<(readonly [string, Uint8Array])[]> {
    const entries = await this.#store.list(INVITE_PREFIX);
    return entries
      .filter(([, grant]) => grant.length <= GRANT_BYTES_MAX)
      .map(([key, grant]) => [key.slice(INVITE_PREFIX.length), grant] as const);
  }

  async saveInvite(id: string, grant: Uint8Array): Promise<void> {
    await this.#store.put(INVITE_PREFIX + id, grant);
  }
}
