/**
 * Goal: both ends get the same keys, each direction another one, and nobody else can bring them to
 * agree on anything. Method: two ends over real X25519, every byte of either message changed in turn.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { PeerId } from '../../../../overlay/base/peer-id.js';
import {
  Offer,
  answerOffer,
  type CipherName,
  type ExchangeParts,
  type SessionKeys,
} from '../../../../overlay/link/session/key-exchange.js';
import { NodeKeyAgreement } from '../../../../src/io/node-key-agreement.js';
import { nodeCrypto } from '../../../support/node-crypto.js';
import { payloadOf } from '../../../support/packets.js';

const A = 'peer-a' as PeerId;
const B = 'peer-b' as PeerId;
const PSK = payloadOf(32);

function partsOf(self: PeerId, peer: PeerId, changes: Partial<ExchangeParts> = {}): ExchangeParts {
  return {
    crypto: nodeCrypto,
    agreement: new NodeKeyAgreement(),
    networkId: '00112233445566778899aabbccddeeff',
    ...{ self, peer, chain: PSK },
    ciphers: ['aes-256-gcm', 'chacha20-poly1305'],
    localIndex: self === A ? 5 : 0xfffff,
    secretKey: new Uint8Array(32).fill(self === A ? 1 : 2),
    ...changes,
  };
}

function exchange(
  a: Partial<ExchangeParts> = {},
  b: Partial<ExchangeParts> = {},
): readonly [SessionKeys, SessionKeys] {
  const offer = new Offer(partsOf(A, B, a));
  const answered = answerOffer(partsOf(B, A, b), offer.bytes);
  if (!answered.ok) throw new Error(answered.code);
  const finished = offer.finish(answered.value.answer);
  if (!finished.ok) throw new Error(finished.code);
  return [finished.value, answered.value.keys];
}

const agree = ([a, b]: readonly [SessionKeys, SessionKeys]): boolean =>
  Buffer.compare(a.sendKey, b.receiveKey) === 0 && Buffer.compare(a.receiveKey, b.sendKey) === 0;

describe('the exchange of keys', () => {
  it('gives both ends the same, and each direction a key of its own', () => {
    const [a, b] = exchange();
    expect(agree([a, b])).to.equal(true);
    expect(a.chain).to.deep.equal(b.chain);
    const all = [a.sendKey, a.receiveKey, a.chain].map((key) => Buffer.from(key).toString('hex'));
    expect(new Set(all).size).to.equal(3);
    expect([a.localIndex, a.remoteIndex]).to.deep.equal([5, 0xfffff]);
    expect([b.localIndex, b.remoteIndex]).to.deep.equal([0xfffff, 5]);
  });

  it('gives others for another network, other peers, another chain, and other secrets', () => {
    const other = 'peer-c' as PeerId;
    for (const [a, b] of [
      [{}, { networkId: 'ff' }],
      [{}, { self: other }],
      [{}, { peer: other }],
      [{}, { chain: new Uint8Array(32) }],
    ] as const) {
      expect(agree(exchange(a, b))).to.equal(false);
    }
    const [first] = exchange();
    const [second] = exchange({}, { secretKey: new Uint8Array(32).fill(3) });
    expect(first.sendKey).to.not.deep.equal(second.sendKey);
  });

  it('takes the first cipher of the offer that both have', () => {
    const cipherOf = (a: readonly CipherName[], b: readonly CipherName[]): string => {
      const [first, second] = exchange({ ciphers: a }, { ciphers: b });
      expect(first.cipher).to.equal(second.cipher);
      return first.cipher;
    };
    const both = ['chacha20-poly1305', 'aes-256-gcm'] as const;
    expect(cipherOf(both, ['aes-256-gcm', 'chacha20-poly1305'])).to.equal('chacha20-poly1305');
    expect(cipherOf(both, ['aes-256-gcm'])).to.equal('aes-256-gcm');
    const offer = new Offer(partsOf(A, B, { ciphers: ['aes-256-gcm'] }));
    const refused = answerOffer(partsOf(B, A, { ciphers: ['chacha20-poly1305'] }), offer.bytes);
    expect(refused).to.include({ ok: false, code: 'no-cipher' });
  });

  it('does not let anyone choose a cipher that was not offered', () => {
    const offer = new Offer(partsOf(A, B, { ciphers: ['aes-256-gcm'] }));
    const both = new Offer(partsOf(A, B));
    const answered = answerOffer(partsOf(B, A, { ciphers: ['chacha20-poly1305'] }), both.bytes);
    if (!answered.ok) throw new Error(answered.code);
    expect(offer.finish(answered.value.answer)).to.include({ ok: false, code: 'no-cipher' });
  });

  it('fails, or ends with different keys, when any byte of a message is changed on its way', () => {
    const offer = new Offer(partsOf(A, B));
    const answered = answerOffer(partsOf(B, A), offer.bytes);
    if (!answered.ok) throw new Error(answered.code);
    const { answer, keys } = answered.value;
    for (let at = 0; at < offer.bytes.length; at++) {
      const changed = offer.bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const other = answerOffer(partsOf(B, A), changed);
      const finished = other.ok ? offer.finish(other.value.answer) : null;
      if (other.ok && finished?.ok === true) {
        expect(agree([finished.value, other.value.keys]), `offer ${String(at)}`).to.equal(false);
      }
    }
    for (let at = 0; at < answer.length; at++) {
      const changed = answer.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const finished = offer.finish(changed);
      if (finished.ok)
        expect(agree([finished.value, keys]), `answer ${String(at)}`).to.equal(false);
    }
  });

  it('refuses keys that give the result away', () => {
    const zero = new Uint8Array(32);
    const offer = new Offer(partsOf(A, B));
    const at = Buffer.from(offer.bytes).indexOf(
      Buffer.from(new NodeKeyAgreement().publicKey(new Uint8Array(32).fill(1))),
    );
    expect(at).to.be.greaterThan(0);
    const forged = offer.bytes.slice();
    forged.set(zero, at);
    expect(answerOffer(partsOf(B, A), forged)).to.include({ ok: false, code: 'bad-key' });
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        expect(answerOffer(partsOf(B, A), garbage).ok).to.equal(false);
        expect(new Offer(partsOf(A, B)).finish(garbage).ok).to.equal(false);
      }),
      { numRuns: 50 },
    );
  });
});
