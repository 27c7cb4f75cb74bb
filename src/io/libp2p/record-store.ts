/**
 * A datastore that keeps the better record. kad-dht lets the last valid writer overwrite whatever a
 * replica holds (libp2p/js-libp2p#3377), so an old lease replayed by anyone would replace a newer
 * one. The write is refused here instead, and the writer learns that it was not taken.
 */
import './polyfill.js';
import { Record as KadRecord } from '@libp2p/kad-dht';
import type { Libp2pInit } from 'libp2p';
import { CodedError } from '../../../overlay/base/errors.js';
import { equalBytes } from '../../../overlay/base/bytes.js';
import { RECORD_BYTES_MAX } from '../../../overlay/host-limits.js';
import { RECORD_AGE_MS_MAX } from './limits.js';

export type Datastore = NonNullable<Libp2pInit['datastore']>;
type Key = Parameters<Datastore['get']>[0];

/** Where kad-dht puts records; everything else passes untouched. */
const RECORD_PREFIX = '/dht/record/';

/** Picks between two valid values of one record key; returns 0 or 1. */
export type RecordChooser = (recordKey: Uint8Array, values: readonly Uint8Array[]) => number;

interface HeldRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly timeReceived?: Date;
}

function decode(bytes: Uint8Array): HeldRecord | null {
  try {
    return KadRecord.deserialize(bytes);
  } catch {
    return null;
  }
}

async function heldRecord(store: Datastore, key: Key): Promise<HeldRecord | null> {
  let bytes: Uint8Array;
  try {
    bytes = await store.get(key);
  } catch {
    return null;
  }
  const record = decode(bytes);
  if (record?.timeReceived === undefined) return null;
  return Date.now() - record.timeReceived.getTime() > RECORD_AGE_MS_MAX ? null : record;
}

/** Wraps `store` so that a record is replaced only by one that `choose` prefers, or by its equal. */
export function keepBetterRecords(store: Datastore, choose: RecordChooser): Datastore {
  const put: Datastore['put'] = async (key, value, options) => {
    if (!key.toString().startsWith(RECORD_PREFIX)) return await store.put(key, value, options);
    const offered = decode(value);
    if (offered === null || offered.value.length > RECORD_BYTES_MAX) {
      throw new CodedError('bad-record', 'the record is malformed or too large');
    }
    const held = await heldRecord(store, key);
    if (held !== null && !equalBytes(held.value, offered.value)) {
      if (choose(offered.key, [held.value, offered.value]) === 0) {
        throw new CodedError('bad-record', 'a better record is held already');
      }
    }
    return await store.put(key, value, options);
  };
  return new Proxy(store, {
    get(target, property) {
      if (property === 'put') return put;
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
