/** From what was asked for (create, join, up) to the network to run in. */
import { CodedError } from '../../overlay/base/errors.js';
import { peerIdOfPublicKey } from '../../overlay/base/peer-id.js';
import { defaultSubnet4 } from '../../overlay/identity/addresses.js';
import { certifyByInvite, certifyByRoot, certifyOpen } from '../../overlay/identity/certificate.js';
import { grantExpired } from '../../overlay/identity/grant.js';
import { decodeInvite, looksLikeInvite } from '../../overlay/identity/invite.js';
import { ROLE_INVITER, ROLE_OWNER } from '../../overlay/identity/names.js';
import { createGenesis, networkIdOf, verifyGenesis } from '../../overlay/identity/network.js';
import type { Clock, Crypto, Logger, Rng } from '../../overlay/ports.js';
import { LEASE_TERM_S } from '../../dhcp/terms.js';
import { fetchGenesis } from '../io/libp2p/genesis.js';
import type { StateDir } from '../io/state/state-dir.js';
import { localRanges } from './local-ranges.js';
import type { RunRequest, RunUi } from './request.js';
import { fromState, type NetworkKit } from './stored-network.js';

const SEED_BYTES = 32;

export interface RequestParts {
  readonly state: StateDir;
  readonly secretKey: Uint8Array;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly logger: Logger;
  readonly ui: RunUi;
  readonly signal: AbortSignal;
}

export interface RequestedNetwork {
  readonly kit: NetworkKit;
  /** It is not stored yet; the run stores it once the node is in. */
  readonly fresh: boolean;
}

/** @throws CodedError with a sentence for the person who asked */
export async function networkFor(
  request: RunRequest,
  parts: RequestParts,
): Promise<RequestedNetwork> {
  const stored = await parts.state.readNetwork();
  switch (request.kind) {
    case 'up':
      if (stored !== null) return { kit: fromState(stored), fresh: false };
      throw new CodedError(
        'no-network',
        'this machine is in no network yet: run overlay create, or overlay join with an invite',
      );
    case 'create':
      if (stored !== null) throw alreadyIn(fromState(stored), parts.crypto);
      return { kit: create(request, parts), fresh: true };
    case 'join': {
      // Who is in already may use the line it joined by again, also when that has expired since.
      const kit = await join(request.bootstrap, parts, stored !== null);
      if (stored === null) return { kit, fresh: true };
      const known = fromState(stored);
      if (!sameNetwork(known, kit, parts.crypto)) throw alreadyIn(known, parts.crypto);
      parts.ui.notice('this machine is a member of that network already');
      return { kit: known, fresh: false };
    }
  }
}

function create(
  request: Extract<RunRequest, { kind: 'create' }>,
  { secretKey, clock, rng, crypto }: RequestParts,
): NetworkKit {
  const rootSecretKey = rng.bytes(SEED_BYTES);
  const networkId = networkIdOf(crypto.keyPair(rootSecretKey).publicKey, crypto);
  const picked = defaultSubnet4(networkId, localRanges());
  if (request.subnet4 === null && !picked.ok) {
    throw new CodedError(picked.code, `${picked.detail}: choose one with --subnet`);
  }
  const genesis = createGenesis(
    {
      rootSecretKey,
      name: request.networkName,
      subnet4: request.subnet4 ?? (picked.ok ? picked.value : ''),
      open: request.open,
      createdAtS: Math.floor(clock.wallNow() / 1000),
      leaseTermS: LEASE_TERM_S,
    },
    crypto,
  );
  if (!genesis.ok) throw new CodedError(genesis.code, genesis.detail);
  const self = peerIdOfPublicKey(crypto.keyPair(secretKey).publicKey);
  const roles = [ROLE_OWNER, ROLE_INVITER];
  return {
    genesis: genesis.value.bytes,
    psk: request.open ? null : rng.bytes(SEED_BYTES),
    rootSecretKey,
    membership: certifyByRoot(genesis.value, self, roles, rootSecretKey, crypto),
    bootstrap: [],
  };
}

async function join(
  bootstrap: string,
  parts: RequestParts,
  isMember: boolean,
): Promise<NetworkKit> {
  return looksLikeInvite(bootstrap)
    ? joinByInvite(bootstrap, parts, isMember)
    : joinOpen(bootstrap, parts);
}

function joinByInvite(
  text: string,
  { secretKey, clock, crypto }: RequestParts,
  isMember: boolean,
): NetworkKit {
  const invite = decodeInvite(text, crypto);
  if (!invite.ok) throw new CodedError(invite.code, invite.detail);
  const { genesis, psk, grant, inviteSecret, bootstrap } = invite.value;
  if (!isMember && grantExpired(grant, clock.wallNow())) {
    throw new CodedError('expired', 'this invite has expired: ask for a new one');
  }
  const self = peerIdOfPublicKey(crypto.keyPair(secretKey).publicKey);
  return {
    genesis: genesis.bytes,
    psk,
    rootSecretKey: null,
    membership: certifyByInvite(grant.bytes, self, inviteSecret, crypto),
    bootstrap,
  };
}

/** An open network tells its rules to anyone who asks at one of its addresses. */
async function joinOpen(address: string, parts: RequestParts): Promise<NetworkKit> {
  const { secretKey, crypto, ui, signal, logger } = parts;
  ui.progress(`asking ${address} for its network`);
  const fetched = await fetchGenesis(address, { logger, signal });
  const genesis = verifyGenesis(fetched.genesis, crypto);
  if (!genesis.ok) {
    throw new CodedError(genesis.code, `${genesis.detail}: ask for the address of another member`);
  }
  if (!genesis.value.open) {
    throw new CodedError(
      'not-open',
      'this network admits nobody without an invite: ask a member for one (overlay invite)',
    );
  }
  return {
    genesis: genesis.value.bytes,
    psk: null,
    rootSecretKey: null,
    membership: certifyOpen(genesis.value, secretKey, crypto),
    bootstrap: [fetched.address],
  };
}

function sameNetwork(a: NetworkKit, b: NetworkKit, crypto: Crypto): boolean {
  const [first, second] = [verifyGenesis(a.genesis, crypto), verifyGenesis(b.genesis, crypto)];
  return first.ok && second.ok && first.value.networkId === second.value.networkId;
}

function alreadyIn(kit: NetworkKit, crypto: Crypto): CodedError {
  const genesis = verifyGenesis(kit.genesis, crypto);
  const name = genesis.ok ? `the network ${genesis.value.name}` : 'a network';
  return new CodedError(
    'already-in-network',
    `this machine belongs to ${name} already: overlay up runs it, overlay leave forgets it`,
  );
}
