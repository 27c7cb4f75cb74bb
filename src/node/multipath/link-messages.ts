/**
 * `link/1`: how two members set up a link of datagrams and keep its paths. The same messages go as
 * requests over their connection and, once there is a session, sealed inside it.
 *
 *   ["offer", offer, base, sequence, [candidate ...]]    base: names the exchange before; 0: a new session
 *   ["candidates", sequence, [candidate ...]]
 *   ["paths", sequence, [[path id, controller's candidate, other's candidate] ...]]
 *
 *   ["answer", answer, sequence, [candidate ...], [path ...] or null]
 *   ["ok"]
 *   ["refused", why]
 *
 * Each side counts its messages in `sequence`, so that one that was held up does not undo a later one.
 */
import * as z from 'zod';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';
import { CONTROL_BYTES_MAX, PATH_IDS } from '../../../overlay/link/data-plane.js';
import { bytes, codec, uint } from '../../../overlay/wire/codec.js';
import { CANDIDATE_IDS, candidatesShape } from './candidates.js';

export const LINK_PROTOCOL = 'link/1';
/** The longest, an answer with sixteen IPv6 candidates and ten paths, has below 800 bytes. */
export const LINK_BYTES_MAX = 1_024;

const EXCHANGE_BYTES_MAX = 256;

/**
 * `glare`: both offered at once, and the other's offer stands; `stale`: a later message was here before;
 * `no-session`: there is none it could belong to; `unsupported`: no links with this peer at all; `busy`: not now.
 */
export const REFUSALS = ['glare', 'stale', 'no-session', 'unsupported', 'busy'] as const;

const sequence = uint(Number.MAX_SAFE_INTEGER);
const exchange = bytes({ max: EXCHANGE_BYTES_MAX });

const pathsShape = z
  .array(z.tuple([uint(PATH_IDS - 1), uint(CANDIDATE_IDS - 1), uint(CANDIDATE_IDS - 1)]))
  .max(PATHS_MAX)
  .refine((paths) => new Set(paths.map(([id]) => id % PATHS_MAX)).size === paths.length);
export type PathsMessage = z.infer<typeof pathsShape>;

const requestShape = z.union([
  z.tuple([z.literal('offer'), exchange, uint(2 ** 32 - 1), sequence, candidatesShape]),
  z.tuple([z.literal('candidates'), sequence, candidatesShape]),
  z.tuple([z.literal('paths'), sequence, pathsShape]),
]);
export type LinkRequest = z.infer<typeof requestShape>;
export type OfferRequest = Extract<LinkRequest, readonly ['offer', ...unknown[]]>;

const answerShape = z.union([
  z.tuple([z.literal('answer'), exchange, sequence, candidatesShape, pathsShape.nullable()]),
  z.tuple([z.literal('ok')]),
  z.tuple([z.literal('refused'), z.enum(REFUSALS)]),
]);
export type LinkAnswer = z.infer<typeof answerShape>;
export type OfferAnswer = Extract<LinkAnswer, readonly ['answer', ...unknown[]]>;

export const linkRequestCodec = codec<LinkRequest>(requestShape, { bytesMax: LINK_BYTES_MAX });
export const linkAnswerCodec = codec<LinkAnswer>(answerShape, { bytesMax: LINK_BYTES_MAX });

/** What carries them inside a session: [0 request or 1 answer, request id, message]. */
export const CONTROL_REQUEST = 0;
export const CONTROL_ANSWER = 1;
export const REQUEST_IDS = 2 ** 32;
export const envelopeCodec = codec(
  z.tuple([uint(CONTROL_ANSWER), uint(REQUEST_IDS - 1), bytes({ max: LINK_BYTES_MAX })]),
  { bytesMax: CONTROL_BYTES_MAX },
);
