/** One question to one witness, whether that is this node itself or another. */
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Signal } from '../overlay/base/signal.js';
import type { LeaseContext } from './context.js';
import {
  LEASE_PROTOCOL,
  leaseRequestCodec,
  leaseResponseCodec,
  type LeaseRequest,
  type LeaseResponse,
} from './messages.js';
import { WITNESS_TIMEOUT_MS } from './terms.js';
import type { Witness } from './witness.js';

/** @returns null if the witness did not answer, or not sensibly */
export async function ask(
  context: LeaseContext,
  witness: Witness,
  to: PeerId,
  request: LeaseRequest,
  signal?: Signal,
): Promise<LeaseResponse | null> {
  let payload: Uint8Array;
  try {
    // A full disk lets this node's own witness fail, like any other.
    if (to === context.self) return await witness.answer(to, request);
    payload = await context.rpc.request(to, LEASE_PROTOCOL, leaseRequestCodec.encode(request), {
      timeoutMs: WITNESS_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    context.logger.debug('a witness did not answer', { witness: to, request: request[0], error });
    return null;
  }
  const response = leaseResponseCodec.decode(payload);
  if (response.ok) return response.value;
  context.misbehaved(to, `lease response: ${response.detail}`);
  return null;
}
