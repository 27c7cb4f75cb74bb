/**
 * The membership exchange (`hello/1`): the first thing two peers say to each other, and again when
 * something in it changes. Each shows its certificates; everything else waits for the result.
 */
import * as z from 'zod';
import { bytes, codec, text, uint } from '../../overlay/wire/codec.js';
import { CERTIFICATE_BYTES_MAX as MEMBERSHIP_BYTES_MAX } from '../../overlay/identity/certificate.js';
import { REVOCATION_BYTES_MAX } from '../../overlay/identity/revocation.js';
import { CERTIFICATE_BYTES_MAX } from '../../dhcp/certificate.js';
import { memberShape } from '../../dhcp/messages.js';

export const HELLO_PROTOCOL = 'hello/1';
export const HELLO_BYTES_MAX = 192 * 1024;
/** Members named to the other side, so that it does not depend on one peer. */
export const NEIGHBOURS_MAX = 32;
export const HELLO_ADDRESSES_MAX = 16;

const helloSchema = z.tuple([
  z.literal(1),
  /** Membership certificate. */
  bytes({ max: MEMBERSHIP_BYTES_MAX }),
  /** Certificate that the use of an invite was granted, if one was needed and there is one yet. */
  z.array(bytes({ max: CERTIFICATE_BYTES_MAX })).max(1),
  /** Leases held: address, name. */
  z.array(bytes({ max: CERTIFICATE_BYTES_MAX })).max(2),
  /** It holds witness state and votes. */
  z.boolean(),
  /** Its device takes super-packets. */
  z.boolean(),
  /** Where it can be dialled. */
  z.array(text(512)).max(HELLO_ADDRESSES_MAX),
  z.array(memberShape).max(NEIGHBOURS_MAX),
  /** Sequence number of the newest revocation list it has; 0 without one. */
  uint(Number.MAX_SAFE_INTEGER),
  /** Release, for people. */
  text(64),
]);

export type Hello = z.infer<typeof helloSchema>;
export const helloCodec = codec(helloSchema, { bytesMax: HELLO_BYTES_MAX });

/**
 * The answer: a hello, or why the one that came was refused, with the revocation list that says so.
 * Anyone may answer, so a refusal without proof convinces nobody who has been admitted.
 */
export const helloAnswerCodec = codec(
  z.union([
    helloSchema,
    z.tuple([z.literal('refused'), text(64), z.array(bytes({ max: REVOCATION_BYTES_MAX })).max(1)]),
  ]),
  { bytesMax: HELLO_BYTES_MAX },
);

/** Asks a peer for its revocation list. The request is empty. */
export const REVOCATIONS_PROTOCOL = 'revocations/1';
export const revocationsCodec = codec(z.array(bytes({ max: REVOCATION_BYTES_MAX })).max(1), {
  bytesMax: REVOCATION_BYTES_MAX + 64,
});
