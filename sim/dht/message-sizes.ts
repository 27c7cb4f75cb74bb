/**
 * Bytes of the directory's messages on the wire, counted from the formats: TCP and IP headers 40, noise
 * 18 a frame, yamux 12 a frame and three frames a stream, multistream-select 76 with the protocol's
 * name, and the protobuf message itself. Connections that are open already cost nothing here.
 */

/** A request on a stream of its own, with a key of 34 bytes. */
export const REQUEST_BYTES = 40 + 18 + 36 + 76 + 38;

/** An answer that tells of nobody. */
export const ANSWER_BYTES = 40 + 18 + 36 + 76 + 6;

/** A peer in an answer: its id in 40 bytes, and addresses on IPv4, IPv6 and at a relay in 88. */
export const CONTACT_BYTES = 40 + 88;

/** The 32 bytes of a ping, each way. */
export const PING_BYTES = 40 + 18 + 36 + 76 + 32;

/**
 * One side of a new connection, which a ping of somebody new begins with: handshakes of TCP, network
 * key, noise and yamux in 700 bytes, and what both tell by identify.
 */
export const DIAL_BYTES = 700 + 1_100;
