/** The roster across restarts: members of earlier runs are known, judged anew, and counted. */
import { messageOf } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { verifyMembership } from '../../overlay/identity/membership.js';
import type { RevocationList } from '../../overlay/identity/revocation.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Clock, Crypto, Logger, Swarm } from '../../overlay/ports.js';
import type { Cards } from './cards.js';
import type { NodeIdentity } from './identity.js';
import type { Vault } from './vault.js';

export interface RostersParts {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly logger: Logger;
  readonly swarm: Swarm;
  readonly roster: Roster;
  readonly cards: Cards;
  readonly vault: Vault;
  readonly revocations: () => RevocationList | null;
}

export class Rosters {
  readonly #parts: RostersParts;
  readonly #saved = new Map<PeerId, string>();

  constructor(parts: RostersParts) {
    this.#parts = parts;
    parts.roster.watch((peer) => {
      if (this.#saved.has(peer)) this.save(peer);
    });
  }

  /** Restores members; the grace of those who were witnesses starts now. */
  async load(): Promise<void> {
    const { vault, identity, crypto, roster, swarm, clock } = this.#parts;
    for (const stored of await vault.members()) {
      const { peer, membership, settled, addresses } = stored;
      const judged = verifyMembership(
        membership,
        peer,
        identity.genesis,
        this.#parts.revocations(),
        crypto,
      );
      if (!judged.ok) {
        await vault.forgetMember(peer);
        continue;
      }
      roster.put({
        peer,
        trust: 'member',
        membership,
        roles: judged.value.roles,
        connected: false,
        lastHeardMs: clock.now(),
        settled,
        recalled: true,
      });
      await swarm.learn(peer, addresses);
    }
  }

  /** Stores a member if anything worth storing changed. */
  save(peer: PeerId): void {
    const { roster, cards, vault, logger } = this.#parts;
    const entry = roster.get(peer);
    if (entry?.trust !== 'member') return;
    const addresses = (cards.get(peer)?.addresses ?? []).slice(0, 16);
    const mark = `${String(entry.settled)} ${addresses.join(' ')}`;
    if (this.#saved.get(peer) === mark) return;
    this.#saved.set(peer, mark);
    const { membership, settled } = entry;
    vault.saveMember({ peer, membership, settled, addresses }).catch((error: unknown) => {
      logger.error('a member could not be stored', { peer, reason: messageOf(error) });
    });
  }
}
