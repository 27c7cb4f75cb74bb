/**
 * Goal: datagrams are sealed as the protocol says, and whatever was not sealed so is not opened.
 * Method: Node's own ciphers, and every byte changed in turn.
 */
import { createDecipheriv } from 'node:crypto';
import { expect } from 'chai';
import {
  SESSION_KEY_BYTES,
  type CipherName,
} from '../../../../overlay/link/session/key-exchange.js';
import { Opener, Sealer } from '../../../../src/dataplane/native/cipher.js';
import { payloadOf } from '../../../support/packets.js';
import { nativeRig, type NativeRig } from '../../../support/native-rig.js';

const KEY = payloadOf(SESSION_KEY_BYTES);
const OTHER_KEY = new Uint8Array(SESSION_KEY_BYTES).fill(9);
const HEADER_BYTES = 12;
const TAG_BYTES = 16;
/** Path 7, session 0x12345. */
const HEADER_WORD = (1 | (7 << 4) | (0x12345 << 12)) >>> 0;
/** Crosses from the low word of a packet number into the high one. */
const FIRST_NUMBER = 2 ** 32 - 2;

function place(rig: NativeRig, sizes: readonly number[]): void {
  for (const size of sizes) {
    const at = rig.batch.place(size, false);
    rig.arena.memory.bytes.set(payloadOf(size), at);
    // Bucket and sequence, which come before the packet.
    rig.arena.memory.bytes.fill(0x55, at - 6, at);
  }
}

for (const cipher of ['aes-256-gcm', 'chacha20-poly1305'] as const) {
  describe(`datagrams sealed with ${cipher}`, () => {
    let rig: NativeRig;
    let sealer: Sealer;
    let opener: Opener;

    beforeEach(() => {
      rig = nativeRig();
      sealer = new Sealer(rig.calls, rig.scratch, cipher, KEY);
      opener = new Opener(rig.calls, rig.scratch, cipher, KEY);
    });

    afterEach(() => {
      sealer.close();
      opener.close();
    });

    const datagram = (index: number): Buffer => {
      const at = rig.batch.offsets[index] ?? 0;
      const end = at + (rig.batch.lengths[index] ?? 0);
      return Buffer.from(rig.arena.memory.bytes.subarray(at, end));
    };

    it('are what Node makes of the same key, nonce and header', () => {
      const sizes = [1, 100, 1420, 1420, 9000];
      place(rig, sizes);
      sealer.seal(rig.batch, 0, sizes.length, HEADER_WORD, FIRST_NUMBER);
      for (const [index, size] of sizes.entries()) {
        const sealed = datagram(index);
        const header = sealed.subarray(0, HEADER_BYTES);
        expect(header.readUInt32LE(0)).to.equal(HEADER_WORD);
        expect(Number(header.readBigUInt64LE(4))).to.equal(FIRST_NUMBER + index);
        const nonce = Buffer.concat([Buffer.of(7, 0, 0, 0), header.subarray(4)]);
        const decipher = createDecipheriv(cipher as 'aes-256-gcm', KEY, nonce, {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(header);
        decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
        const body = sealed.subarray(HEADER_BYTES, -TAG_BYTES);
        const clear = Buffer.concat([decipher.update(body), decipher.final()]);
        expect(clear.subarray(0, 8).toString('hex')).to.equal('0000555555555555');
        expect(Buffer.compare(clear.subarray(8), payloadOf(size))).to.equal(0);
      }
    });

    it('open to what was sealed', () => {
      const sizes = [1, 1420, 64_000];
      place(rig, sizes);
      sealer.seal(rig.batch, 0, sizes.length, HEADER_WORD, FIRST_NUMBER);
      for (const [index, size] of sizes.entries()) {
        const at = rig.batch.offsets[index] ?? 0;
        expect(opener.open(at, rig.batch.lengths[index] ?? 0)).to.equal(true);
        const packet = rig.arena.memory.bytes.subarray(at + 20, at + 20 + size);
        expect(Buffer.compare(packet, payloadOf(size))).to.equal(0);
      }
    });

    it('do not open with any byte changed, cut off or added, or with another key', () => {
      place(rig, [40]);
      sealer.seal(rig.batch, 0, 1, HEADER_WORD, 5);
      const sealed = datagram(0);
      const { bytes } = rig.arena.memory;
      const opens = (changed: Uint8Array): boolean => {
        bytes.set(changed, 0);
        return opener.open(0, changed.length);
      };
      // The type and the session index choose the key; all else is covered as it stands.
      for (let at = 0; at < sealed.length; at++) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(opens(changed), `byte ${String(at)}`).to.equal(false);
      }
      for (let length = 0; length < sealed.length; length++) {
        expect(opens(sealed.subarray(0, length)), `${String(length)} bytes`).to.equal(false);
      }
      expect(opens(Buffer.concat([sealed, Buffer.of(0)]))).to.equal(false);
      const stranger = new Opener(rig.calls, rig.scratch, cipher, OTHER_KEY);
      bytes.set(sealed, 0);
      expect(stranger.open(0, sealed.length)).to.equal(false);
      stranger.close();
      expect(opens(sealed)).to.equal(true);
    });

    it('leave no key behind in the arena', () => {
      const { bytes } = rig.arena.memory;
      expect(Buffer.from(bytes).includes(Buffer.from(KEY))).to.equal(false);
    });
  });
}

describe('a cipher that cannot be had', () => {
  it('is named', () => {
    const { calls, scratch } = nativeRig();
    const make = (name: string, key: Uint8Array) => () =>
      new Sealer(calls, scratch, name as CipherName, key);
    expect(make('rot13', KEY)).to.throw('rot13');
    expect(make('aes-256-gcm', KEY.subarray(1))).to.throw('aes-256-gcm');
  });
});
