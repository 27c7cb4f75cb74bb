/**
 * How a stranger learns the rules of an open network: it asks at a plain multiaddr, before it has a
 * network id to put into protocol names. Networks with a pre-shared key cannot be asked.
 */
import './polyfill.js';
import { randomBytes } from 'node:crypto';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import type { Signal } from '../../../overlay/base/signal.js';
import type { Gate, Logger } from '../../../overlay/ports.js';
import { createHost, type Host } from './host.js';

const GENESIS_PROTOCOL = 'genesis/1';
const REQUEST_TIMEOUT_MS = 8_000;
const SEED_BYTES = 32;

/** One who asks has nothing to lose and nothing to give yet. */
const STRANGERS: Gate = {
  trust: () => 'unknown',
  settled: () => Promise.resolve('unknown'),
  misbehaved: () => undefined,
};

/** Answers strangers with the signed genesis of this host's network. */
export function serveGenesis(host: Host, genesis: Uint8Array): void {
  host.openRpc.serve(GENESIS_PROTOCOL, { trust: 'unknown', requestBytesMax: 0 }, () =>
    Promise.resolve(genesis),
  );
}

/**
 * Asks the node at a multiaddr for its network, under a key that is thrown away afterwards.
 *
 * @returns the signed genesis, not judged, and the address with the peer id of who answered
 * @throws CodedError 'no-open-network' with a sentence to print
 */
export async function fetchGenesis(
  address: string,
  options: { readonly logger: Logger; readonly signal: Signal },
): Promise<{ readonly genesis: Uint8Array; readonly address: string }> {
  const host = await createHost({
    secretKeySeed: new Uint8Array(randomBytes(SEED_BYTES)),
    networkId: 'stranger',
    psk: null,
    listen: [],
    relay: false,
    mdns: false,
    gate: STRANGERS,
    logger: options.logger,
  });
  try {
    await host.start();
    const { signal } = options;
    const limits = { timeoutMs: REQUEST_TIMEOUT_MS, signal };
    const peer = await host.swarm.dial(address, limits);
    const genesis = await host.openRpc.request(peer, GENESIS_PROTOCOL, new Uint8Array(), {
      ...limits,
      trust: 'unknown',
    });
    return { genesis, address: address.includes('/p2p/') ? address : `${address}/p2p/${peer}` };
  } catch (error) {
    throw new CodedError(
      'no-open-network',
      `no open network answers at ${address} (${messageOf(error)}): check the address, or ask for an invite`,
    );
  } finally {
    await host.stop();
  }
}
