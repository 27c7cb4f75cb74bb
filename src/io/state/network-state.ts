/**
 * What a node remembers of its network between runs. Bytes are base64 text and opaque here: their
 * meaning and signatures are judged by `overlay/identity` when a run loads them.
 */
import * as z from 'zod';
import { reject, ok, type Result } from '../../../overlay/base/result.js';

/** Bounds every list against a file that grew by a bug. */
const BOOTSTRAP_ADDRESSES_MAX = 64;

const base64 = z.base64().min(1);

export const networkStateSchema = z.strictObject({
  version: z.literal(1),
  /** Signed genesis record of the network. */
  genesis: base64,
  /** Key that keeps strangers out of the transport; null in an open network. */
  psk: base64.nullable(),
  /** Present at the network's owner only. */
  rootSecretKey: base64.optional(),
  /** Own membership certificate. */
  membership: base64,
  /** Multiaddrs of members to find the network by. */
  bootstrap: z.array(z.string().min(1).max(512)).max(BOOTSTRAP_ADDRESSES_MAX),
});

export type NetworkState = z.output<typeof networkStateSchema>;

export function parseNetworkState(content: string): Result<NetworkState, 'corrupt'> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return reject('corrupt', 'it is not valid JSON');
  }
  const result = networkStateSchema.safeParse(value);
  if (result.success) return ok(result.data);
  const issue = result.error.issues[0];
  return reject(
    'corrupt',
    `field ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? 'not valid'}`,
  );
}
