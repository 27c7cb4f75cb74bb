/**
 * The frame of netlink messages and their attributes, as bytes. Little-endian, as are the machines
 * we run on; everything is padded to 4 bytes.
 *
 *     nlmsghdr:  length u32 | type u16 | flags u16 | sequence u32 | port u32 | payload ...
 *     nlattr:    length u16 | type u16 | value ...        (both lengths count their own header)
 *
 * Source: RFC 3549; include/uapi/linux/netlink.h.
 */
import { concatBytes } from '../../../overlay/base/bytes.js';
import { ok, reject, type Result } from '../../../overlay/base/result.js';

const MESSAGE_HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const ALIGNMENT = 4;
/** The two high bits of an attribute's type say `nested` and `network byte order`. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const ATTRIBUTE_NESTED = 0x8000;
const ATTRIBUTE_BYTES_MAX = 0xffff;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  /** Chosen by the asker, repeated in every answer. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export interface NetlinkAttribute {
  readonly type: number;
  /** A list is a nested attribute. */
  readonly value: Uint8Array | readonly NetlinkAttribute[];
}

export type Attributes = ReadonlyMap<number, Uint8Array>;

export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const length = MESSAGE_HEADER_BYTES + message.payload.length;
  const bytes = new Uint8Array(aligned(length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  bytes.set(message.payload, MESSAGE_HEADER_BYTES);
  return bytes;
}

/** @throws RangeError if a value does not fit the 16-bit length. */
export function encodeAttributes(attributes: readonly NetlinkAttribute[]): Uint8Array {
  return concatBytes(...attributes.map(encodeAttribute));
}

function encodeAttribute(attribute: NetlinkAttribute): Uint8Array {
  const nested = !(attribute.value instanceof Uint8Array);
  const value = nested ? encodeAttributes(attribute.value) : attribute.value;
  const length = ATTRIBUTE_HEADER_BYTES + value.length;
  if (length > ATTRIBUTE_BYTES_MAX) throw new RangeError('netlink attribute too long');
  const bytes = new Uint8Array(aligned(length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, nested ? attribute.type | ATTRIBUTE_NESTED : attribute.type, true);
  bytes.set(value, ATTRIBUTE_HEADER_BYTES);
  return bytes;
}

/** All messages of one datagram. The payloads are views of `bytes`. */
export function decodeMessages(bytes: Uint8Array): Result<readonly NetlinkMessage[], 'truncated'> {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < MESSAGE_HEADER_BYTES) {
      return reject('truncated', 'netlink message header cut off');
    }
    const length = view.getUint32(offset, true);
    if (length < MESSAGE_HEADER_BYTES || length > bytes.length - offset) {
      return reject('truncated', 'netlink message length beyond its datagram');
    }
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: bytes.subarray(offset + MESSAGE_HEADER_BYTES, offset + length),
    });
    offset += aligned(length);
  }
  return ok(messages);
}

/** Attributes by type; the values are views of `bytes`. Of two with one type the last counts. */
export function decodeAttributes(bytes: Uint8Array): Result<Attributes, 'truncated'> {
  const view = viewOf(bytes);
  const attributes = new Map<number, Uint8Array>();
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < ATTRIBUTE_HEADER_BYTES) {
      return reject('truncated', 'netlink attribute header cut off');
    }
    const length = view.getUint16(offset, true);
    if (length < ATTRIBUTE_HEADER_BYTES || length > bytes.length - offset) {
      return reject('truncated', 'netlink attribute length beyond its message');
    }
    const type = view.getUint16(offset + 2, true) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + ATTRIBUTE_HEADER_BYTES, offset + length));
    offset += aligned(length);
  }
  return ok(attributes);
}

/** A view of exactly these bytes, wherever they lie in their buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
