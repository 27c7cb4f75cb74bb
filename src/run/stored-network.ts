/** A network in its stored form, and back. */
import { CodedError } from '../../overlay/base/errors.js';
import { verifyGenesis } from '../../overlay/identity/network.js';
import type { Crypto } from '../../overlay/ports.js';
import { identify, type NodeIdentity } from '../node/identity.js';
import type { NetworkState } from '../io/state/network-state.js';

/** What a node needs of a network to take part in it. */
export interface NetworkKit {
  readonly genesis: Uint8Array;
  readonly psk: Uint8Array | null;
  readonly rootSecretKey: Uint8Array | null;
  readonly membership: Uint8Array;
  readonly bootstrap: readonly string[];
}

export function toState(kit: NetworkKit): NetworkState {
  return {
    version: 1,
    genesis: base64(kit.genesis),
    psk: kit.psk === null ? null : base64(kit.psk),
    ...(kit.rootSecretKey === null ? {} : { rootSecretKey: base64(kit.rootSecretKey) }),
    membership: base64(kit.membership),
    bootstrap: [...kit.bootstrap],
  };
}

export function fromState(state: NetworkState): NetworkKit {
  return {
    genesis: fromBase64(state.genesis),
    psk: state.psk === null ? null : fromBase64(state.psk),
    rootSecretKey: state.rootSecretKey === undefined ? null : fromBase64(state.rootSecretKey),
    membership: fromBase64(state.membership),
    bootstrap: state.bootstrap,
  };
}

/** @throws CodedError 'bad-network' or 'bad-membership' */
export function identityOf(kit: NetworkKit, secretKey: Uint8Array, crypto: Crypto): NodeIdentity {
  const genesis = verifyGenesis(kit.genesis, crypto);
  if (!genesis.ok) {
    throw new CodedError('bad-network', `${genesis.detail}: join the network again`);
  }
  const { membership, psk, rootSecretKey } = kit;
  return identify({ secretKey, genesis: genesis.value, membership, psk, rootSecretKey }, crypto);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
