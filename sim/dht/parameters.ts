/** What a Kademlia node does and how often, with the values of the real host and of the textbook. */

export interface KadParameters {
  /** Contacts of one bucket, contacts told in one answer, and replicas of a record (Kademlia's k). */
  readonly bucketSize: number;
  /** Requests of one lookup under way at the same time. */
  readonly alpha: number;
  /** A bucket that holds ids with this many leading bits in common is not split any more. */
  readonly prefixBitsMax: number;
  /** Whether only the bucket that holds the node's own id is split when it is full. */
  readonly splitsOwnRangeOnly: boolean;
  /** Ranges refreshed: range i for every i up to the longest common prefix over this many bits. */
  readonly refreshStrideBits: number;
  /** A search for the own id ends after this many answers and failures. */
  readonly selfLookupAnswersMax: number;
}

/**
 * kad-dht 16.4 as `src/io/libp2p` sets it up, with what its source does where that differs from the paper:
 * - buckets are split by the first six bits of an id, wherever the own id is, and no deeper. A table
 *   has 64 buckets and at most 1,024 contacts; in a larger network a node knows 16 at random of its
 *   own neighbourhood;
 * - the longest common prefix is counted in bytes, though refreshed as if it were bits, so that two
 *   or three ranges are refreshed and no more;
 * - the search for the own id takes the first 20 progress events for peers: with two at each request,
 *   one at each answer and three requests under way, that is after five answers.
 */
export const KAD_DHT: KadParameters = {
  bucketSize: 16,
  alpha: 3,
  prefixBitsMax: 6,
  splitsOwnRangeOnly: false,
  refreshStrideBits: 8,
  selfLookupAnswersMax: 5,
};

/** P. Maymounkov and D. Mazieres, "Kademlia: a peer-to-peer information system", 2002. */
export const TEXTBOOK: KadParameters = {
  bucketSize: 16,
  alpha: 3,
  prefixBitsMax: 255,
  splitsOwnRangeOnly: true,
  refreshStrideBits: 1,
  selfLookupAnswersMax: Infinity,
};

/** Rounds of one search for the nearest peers, as in `src/io/libp2p/limits.ts`. */
export const LOOKUP_ROUNDS_MAX = 3;

/** One message to one peer, dialling included: bounds of the adaptive timeout of the real host. */
export const MESSAGE_MS_MIN = 2_000;
export const MESSAGE_MS_MAX = 5_000;

/** The node's own neighbourhood is first looked for after this, and then at every interval. */
export const SELF_LOOKUP_DELAY_MS = 1_000;
export const SELF_LOOKUP_INTERVAL_MS = 300_000;
export const SELF_LOOKUP_TIMEOUT_MS = 5_000;

export const REFRESH_INTERVAL_MS = 300_000;
export const REFRESH_TIMEOUT_MS = 30_000;
/** kad-dht makes keys for the first 16 ranges only. */
export const REFRESH_RANGES_MAX = 16;

/** Of a full bucket, the contacts asked whether they live when a newcomer wants in. */
export const OLD_CONTACTS_PINGED = 3;
/** A contact admitted less than this ago is not asked. */
export const CONTACT_FRESH_MS = 600_000;

/** Pings of one node under way at the same time; kad-dht queues more, here they wait to be met again. */
export const PINGS_MAX = 20;

/** Messages that store one record, under way at the same time. */
export const STORES_IN_FLIGHT_MAX = 10;

/** Records and provider records are forgotten after this. */
export const RECORD_AGE_MS_MAX = 48 * 3_600_000;

/** How often a node looks through its provider records, and how old its own get before it renews them. */
export const PROVIDERS_CHECK_MS = 3_600_000;
export const PROVIDERS_RENEW_MS = 24 * 3_600_000;
