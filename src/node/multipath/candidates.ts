/**
 * Candidates: the data sockets of a node as it tells them to a peer, which may send to any of them.
 *
 *   [id, interface, transport, family, address, port, prefix length, routed, metric group, backup, mtu]
 *    u8  u8         0|1        4|6     4|16 B   u16   u8             bool    u16           bool    u16
 *
 * Transport 0 is UDP, 1 raw IP. `routed` says whether its interface leads beyond the own subnet, for the
 * family of the socket. An id stays with a socket for its life, an interface's number with the
 * interface; so a peer can tell a socket that moved from another one, and two sockets of one interface
 * from two interfaces.
 */
import * as z from 'zod';
import type { DatagramTransport } from '../../../overlay/link/data-plane.js';
import { bytes, uint } from '../../../overlay/wire/codec.js';
import { addressText } from './addresses.js';

/** Data sockets a node tells of: eight interfaces with both families. More are not opened. */
export const CANDIDATES_MAX = 16;
export const CANDIDATE_IDS = 256;
export const METRIC_GROUP_MAX = 0xffff;

export interface Candidate {
  readonly id: number;
  readonly interface: number;
  readonly transport: DatagramTransport;
  readonly family: 4 | 6;
  /** 4 or 16 bytes, and the same as text. */
  readonly address: Uint8Array;
  readonly text: string;
  /** 0 for `raw`. */
  readonly port: number;
  readonly prefixLength: number;
  /** Its packets can leave the subnet, through a gateway. */
  readonly routed: boolean;
  readonly metricGroup: number;
  readonly backup: boolean;
  readonly mtuBytes: number;
}

/** One of this node's, with what only this node knows of it. */
export interface OwnCandidate extends Candidate {
  /** Id at the data plane. */
  readonly socket: number;
  readonly interfaceName: string;
}

const TRANSPORTS = ['udp', 'raw'] as const;

const candidateShape = z
  .tuple([
    uint(CANDIDATE_IDS - 1),
    uint(CANDIDATE_IDS - 1),
    uint(TRANSPORTS.length - 1),
    z.union([z.literal(4), z.literal(6)]),
    bytes({ max: 16 }),
    uint(0xffff),
    uint(128),
    z.boolean(),
    uint(METRIC_GROUP_MAX),
    z.boolean(),
    uint(0xffff),
  ])
  .refine(([, , , family, address, , prefixLength]) => {
    const addressBytes = family === 4 ? 4 : 16;
    return address.length === addressBytes && prefixLength <= addressBytes * 8;
  });

export const candidatesShape = z
  .array(candidateShape)
  .max(CANDIDATES_MAX)
  .refine((list) => new Set(list.map(([id]) => id)).size === list.length);

export type CandidatesMessage = z.infer<typeof candidatesShape>;

export function candidatesMessage(candidates: readonly Candidate[]): CandidatesMessage {
  return candidates.map((one) => [
    one.id,
    one.interface,
    TRANSPORTS.indexOf(one.transport),
    one.family,
    one.address,
    one.port,
    one.prefixLength,
    one.routed,
    one.metricGroup,
    one.backup,
    one.mtuBytes,
  ]);
}

export function readCandidates(message: CandidatesMessage): Candidate[] {
  return message.map(([id, network, transport, family, address, port, ...rest]) => {
    const [prefixLength, routed, metricGroup, backup, mtuBytes] = rest;
    return {
      id,
      interface: network,
      transport: TRANSPORTS[transport] ?? 'udp',
      family,
      address,
      text: addressText(address),
      port,
      prefixLength,
      routed,
      metricGroup,
      backup,
      mtuBytes,
    };
  });
}
