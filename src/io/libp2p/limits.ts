/** Limits of the libp2p host, each with its unit last and its reason; see also overlay/host-limits. */
import { PEER_REQUESTS_MAX } from '../../../overlay/host-limits.js';

/** Requests served at the same time for everyone: bounds the memory that request bodies can hold. */
export const REQUESTS_MAX = 256;

/** A request that has not arrived by then comes from a stalled or hostile peer. */
export const REQUEST_ARRIVAL_MS = 10_000;

/** A peer that asks for more than it reads is cut off after this. */
export const RESPONSE_DEPARTURE_MS = 10_000;

/** Yamux's own limit, 16 MiB, would exceed the 4 MiB read buffer when a reader pauses. */
export const STREAM_WINDOW_BYTES_MAX = 1 << 20;

/** A stream whose other end does not close too is cut after this. */
export const STREAM_CLOSE_MS = 5_000;

/** Byte streams of one peer and protocol: links need one or two, the rest is head room for races. */
export const PEER_STREAMS_MAX = 16;

/** Streams of requests that one connection may have in each direction: one, and its successor. */
export const PEER_CHANNELS_MAX = 2;

/** Requests to one peer that may be under way: past its limit, so that it is the one to say `busy`. */
export const PENDING_REQUESTS_MAX = 2 * PEER_REQUESTS_MAX;

/** Opening a stream of requests takes one round trip, maybe through a relay. */
export const CHANNEL_OPEN_MS = 5_000;

/** Largest request that is held until its sender has proven more; larger ones are refused at once. */
export const STRANGER_REQUEST_BYTES_MAX = 64 << 10;

/** A TCP handshake slower than this goes to a dead or filtered address; addresses are tried in turn. */
export const CONNECT_MS = 1_500;

/** Whole upgrade of one address: handshake, pre-shared key, encryption and multiplexer, 5 round trips. */
export const ADDRESS_DIAL_MS = 5_000;

/** An inbound connection that has not proven its key by then is cut. */
export const INBOUND_UPGRADE_MS = 5_000;

/** A hundred nodes behind one address may restart in the same second. */
export const INBOUND_CONNECTIONS_PER_SECOND = 200;
export const INBOUND_PENDING_MAX = 200;
export const CONNECTIONS_MAX = 1_000;

/** How often each connection is probed, and how long a probe may take before the connection is cut. */
export const PROBE_INTERVAL_MS = 5_000;
export const PROBE_MIN_MS = 4_000;
export const PROBE_MAX_MS = 8_000;

/** Addresses remembered for one peer; a host with more interfaces than this is not a host. */
export const PEER_ADDRESSES_MAX = 32;

/** Own addresses told to others. Identify messages hold 8 KiB and carry each address twice. */
export const OWN_DIRECT_ADDRESSES_MAX = 16;
export const OWN_RELAYED_ADDRESSES_MAX = 8;

/** How often the host looks whether its interfaces got other addresses. */
export const ADDRESS_CHECK_MS = 5_000;

/** Peers stay remembered this long without an address; with one they stay for good. */
export const PEER_AGE_MS_MAX = 90 * 24 * 3_600_000;

/** Relays reserved at the same time: with two, losing one leaves a way in. */
export const RELAYS_WANTED = 2;

/** How often a missing relay is looked for among the connected peers. */
export const RELAY_CHECK_MS = 10_000;

/** A node that has just met others or become a member does what its users wait for first. */
export const RELAY_PAUSE_MS = 500;

/** One attempt to reserve. The membership exchange with a fresh relay may be part of it. */
export const RELAY_RESERVE_MS = 8_000;

/** Reservations this node grants as a relay. */
export const RELAY_RESERVATIONS_MAX = 1_000;

/** Kademlia's parallel requests of one lookup. */
export const KAD_ALPHA = 3;
/** A directory message to one peer, dialling and membership exchange included. */
export const KAD_MESSAGE_MS_MIN = 2_000;
export const KAD_MESSAGE_MS_MAX = 5_000;

/** Rounds of one search for the nearest peers; a routing table in order needs one, a new one two. */
export const LOOKUP_ROUNDS_MAX = 3;

/** kad-dht forgets records after this (hard-coded there). */
export const RECORD_AGE_MS_MAX = 48 * 3_600_000;
