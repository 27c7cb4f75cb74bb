/** Contract of sealing and opening: what the protocol says, and nothing else opens. */
import { createDecipheriv } from 'node:crypto';
import { expect } from 'chai';
import { hasCode } from '../../overlay/base/errors.js';
import { SendBatch } from '../../overlay/batch/send-batch.js';
import {
  CIPHERS,
  SESSION_KEY_BYTES,
  type CipherName,
} from '../../overlay/link/session/key-exchange.js';
import { BODY_OFFSET, HEADER_BYTES, ORDER_OFFSET, TAG_BYTES } from '../../overlay/wire/datagram.js';
import type { BatchIo, DatagramOpener, DatagramSealer } from '../../src/dataplane/batch-io.js';
import { payloadOf } from '../support/packets.js';

const BATCH_BYTES = 1 << 18;
/** What comes before the packet, but for its kind and flags. */
const ORDER_BYTES = BODY_OFFSET - ORDER_OFFSET;
const KEY = payloadOf(SESSION_KEY_BYTES);
const OTHER_KEY = new Uint8Array(SESSION_KEY_BYTES).fill(9);
/** Path 7, session 0x12345. */
const HEADER_WORD = (1 | (7 << 4) | (0x12345 << 12)) >>> 0;
/** Crosses from the low word of a packet number into the high one. */
const FIRST_NUMBER = 2 ** 32 - 2;

export function cipherContract(create: () => BatchIo): void {
  for (const cipher of CIPHERS) {
    describe(cipher, () => {
      let io: BatchIo;
      let batch: SendBatch;
      let sealer: DatagramSealer;
      let opener: DatagramOpener;

      beforeEach(() => {
        io = create();
        batch = new SendBatch(io.memory, io.region(BATCH_BYTES), BATCH_BYTES, 64);
        sealer = io.sealer(cipher, KEY);
        opener = io.opener(cipher, KEY);
      });

      afterEach(() => {
        sealer.close();
        opener.close();
      });

      function place(sizes: readonly number[]): void {
        for (const size of sizes) {
          const at = batch.place(size, false);
          io.memory.bytes.set(payloadOf(size), at);
          // The order, which comes before the packet.
          io.memory.bytes.fill(0x55, at - ORDER_BYTES, at);
        }
      }

      const datagram = (index: number): Buffer => {
        const at = batch.offsets[index] ?? 0;
        return Buffer.from(io.memory.bytes.subarray(at, at + (batch.lengths[index] ?? 0)));
      };

      it('seals as the protocol says', () => {
        const sizes = [1, 100, 1420, 1420, 9000];
        place(sizes);
        sealer.seal(batch, 0, sizes.length, HEADER_WORD, FIRST_NUMBER);
        for (const [index, size] of sizes.entries()) {
          const sealed = datagram(index);
          const header = sealed.subarray(0, HEADER_BYTES);
          expect(header.readUInt32LE(0)).to.equal(HEADER_WORD);
          expect(Number(header.readBigUInt64BE(4))).to.equal(FIRST_NUMBER + index);
          const nonce = Buffer.concat([Buffer.of(7, 0, 0, 0), header.subarray(4)]);
          const decipher = createDecipheriv(cipher as 'aes-256-gcm', KEY, nonce, {
            authTagLength: TAG_BYTES,
          });
          const body = sealed.subarray(HEADER_BYTES, -TAG_BYTES);
          const length = Buffer.of(body.length >> 8, body.length & 0xff);
          decipher.setAAD(Buffer.concat([header.subarray(0, 4), Buffer.alloc(7), length]));
          decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
          const clear = Buffer.concat([decipher.update(body), decipher.final()]);
          expect(clear.subarray(0, 10).toString('hex')).to.equal('00005555555555555555');
          expect(Buffer.compare(clear.subarray(10), payloadOf(size))).to.equal(0);
        }
      });

      it('opens what was sealed', () => {
        const sizes = [1, 1420, 64_000];
        place(sizes);
        sealer.seal(batch, 0, sizes.length, HEADER_WORD, FIRST_NUMBER);
        for (const [index, size] of sizes.entries()) {
          const at = batch.offsets[index] ?? 0;
          expect(opener.open(at, batch.lengths[index] ?? 0)).to.equal(true);
          const packet = io.memory.bytes.subarray(at + BODY_OFFSET, at + BODY_OFFSET + size);
          expect(Buffer.compare(packet, payloadOf(size))).to.equal(0);
        }
      });

      it('opens nothing with a byte changed, cut off or added, or with another key', () => {
        place([40]);
        sealer.seal(batch, 0, 1, HEADER_WORD, 5);
        const sealed = datagram(0);
        const at = batch.offsets[0] ?? 0;
        const opens = (changed: Uint8Array, by = opener): boolean => {
          io.memory.bytes.set(changed, at);
          return by.open(at, changed.length);
        };
        for (let offset = 0; offset < sealed.length; offset++) {
          const changed = Buffer.from(sealed);
          changed[offset] = (changed[offset] ?? 0) ^ 1;
          expect(opens(changed), `byte ${String(offset)}`).to.equal(false);
        }
        for (let length = 0; length < sealed.length; length++) {
          expect(opens(sealed.subarray(0, length)), `${String(length)} bytes`).to.equal(false);
        }
        expect(opens(Buffer.concat([sealed, Buffer.of(0)]))).to.equal(false);
        const stranger = io.opener(cipher, OTHER_KEY);
        expect(opens(sealed, stranger)).to.equal(false);
        stranger.close();
        expect(opens(sealed)).to.equal(true);
      });

      it('leaves no key behind in the memory of packets', () => {
        expect(Buffer.from(io.memory.bytes).includes(Buffer.from(KEY))).to.equal(false);
      });

      it('refuses a key of another size', () => {
        for (const key of [KEY.subarray(1), new Uint8Array(0), payloadOf(33)]) {
          expect(codeOf(() => io.sealer(cipher, key))).to.equal(true);
          expect(codeOf(() => io.opener(cipher, key))).to.equal(true);
        }
      });
    });
  }

  it('names a cipher that it does not have', () => {
    expect(codeOf(() => create().sealer('rot13' as CipherName, KEY))).to.equal(true);
  });
}

function codeOf(make: () => unknown): boolean {
  try {
    make();
  } catch (error) {
    return hasCode(error, 'no-cipher');
  }
  return false;
}
