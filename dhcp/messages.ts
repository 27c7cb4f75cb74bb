/**
 * Messages of the lease protocol (`lease/1`): one request, one response, canonical CBOR, positional,
 * the first element naming the form. See docs/PROTOCOL.md.
 */
import * as z from 'zod';
import { bytes, codec } from '../overlay/wire/codec.js';
import {
  CERTIFICATE_BYTES_MAX,
  claimIdSchema,
  epochSchema,
  peerIdSchema,
  renewalSchema,
  signatureSchema,
  subjectShape,
  termSchema,
  viewSchema,
} from './certificate.js';

export const LEASE_PROTOCOL = 'lease/1';
export const LEASE_REQUEST_BYTES_MAX = 512 * 1024;
export const LEASE_RESPONSE_BYTES_MAX = 512 * 1024;

/** Entries handed over in one answer; further ones follow with a cursor. */
export const SYNC_ENTRIES_MAX = 64;
/** Settled members named in one answer. */
export const MEMBERS_TOLD_MAX = 64;
const ADDRESSES_PER_MEMBER_MAX = 16;
export const ADDRESS_CHARS_MAX = 256;

/** Leases, and members, that one who asks for state may say it knows. */
export const KNOWN_LEASES_MAX = 2_048;
export const KNOWN_MEMBERS_MAX = 256;
export const LEASE_MARK_BYTES = 8;
export const MEMBER_MARK_CHARS = 6;

const certificateBytes = bytes({ max: CERTIFICATE_BYTES_MAX });

/** A member and where it can be dialled. */
export const memberShape = z.tuple([
  peerIdSchema,
  z.array(z.string().max(ADDRESS_CHARS_MAX)).max(ADDRESSES_PER_MEMBER_MAX),
]);
export type MemberHint = z.infer<typeof memberShape>;

/** A grant not committed yet: kind, key, owner, claim, epoch. */
const pendingGrantShape = z.tuple([...subjectShape, peerIdSchema, claimIdSchema, epochSchema]);
export type PendingGrant = z.infer<typeof pendingGrantShape>;

const remainingMsSchema = z.number().int().min(-1);

const requestSchema = z.union([
  z.tuple([
    z.literal('claim'),
    ...subjectShape,
    claimIdSchema,
    epochSchema,
    renewalSchema,
    termSchema,
    viewSchema,
  ]),
  z.tuple([z.literal('commit'), certificateBytes]),
  z.tuple([z.literal('release'), ...subjectShape, claimIdSchema]),
  // Registers the sender as a witness and asks for the state it will need: from after `cursor`.
  z.tuple([
    z.literal('sync'),
    z.string().max(200),
    // A newcomer has never voted, so that there is nothing to be learnt from it. One that waits may be told to come later.
    z.enum(['voter', 'newcomer', 'waiting']),
    // What it knows already: marks of leases, and of members.
    bytes({ max: KNOWN_LEASES_MAX * LEASE_MARK_BYTES }),
    z.string().max(KNOWN_MEMBERS_MAX * MEMBER_MARK_CHARS),
  ]),
  z.tuple([z.literal('lookup'), ...subjectShape]),
  // The sender stops voting; what it witnessed comes along, from it to those who take over.
  z.tuple([
    z.literal('resign'),
    // True: it leaves the network for good.
    z.boolean(),
    z.array(z.tuple([certificateBytes, remainingMsSchema])).max(SYNC_ENTRIES_MAX),
  ]),
]);
export type SyncStanding = Extract<z.infer<typeof requestSchema>, ['sync', ...unknown[]]>[2];
export type LeaseRequest = z.infer<typeof requestSchema>;
export const leaseRequestCodec = codec(requestSchema, { bytesMax: LEASE_REQUEST_BYTES_MAX });

const responseSchema = z.union([
  z.tuple([z.literal('granted'), signatureSchema]),
  z.tuple([z.literal('done')]),
  // Somebody else holds it: owner, epoch, milliseconds left (-1: for good), certificate or nothing.
  z.tuple([
    z.literal('held'),
    peerIdSchema,
    epochSchema,
    remainingMsSchema,
    z.array(certificateBytes).max(1),
  ]),
  z.tuple([z.literal('abstain')]),
  // Newcomers come one after another: to ask again after so many milliseconds.
  z.tuple([z.literal('later'), z.number().int().min(0).max(60_000)]),
  z.tuple([z.literal('stale'), z.array(memberShape).max(MEMBERS_TOLD_MAX)]),
  z.tuple([z.literal('old-epoch'), epochSchema]),
  z.tuple([z.literal('refused'), z.string().max(64)]),
  z.tuple([
    z.literal('state'),
    // `recovering`: it voted in an earlier run; `fresh`: never, so its empty hands prove nothing.
    z.enum(['settled', 'recovering', 'fresh']),
    // Members that may be witnesses with the sender; without their addresses if it knows them.
    z.array(memberShape).max(MEMBERS_TOLD_MAX),
    z.array(z.tuple([certificateBytes, remainingMsSchema])).max(SYNC_ENTRIES_MAX),
    z.array(pendingGrantShape).max(SYNC_ENTRIES_MAX),
    z.union([z.string().max(200), z.null()]),
  ]),
  z.tuple([z.literal('record'), z.array(certificateBytes).max(1)]),
]);
export type LeaseResponse = z.infer<typeof responseSchema>;
export const leaseResponseCodec = codec(responseSchema, { bytesMax: LEASE_RESPONSE_BYTES_MAX });
