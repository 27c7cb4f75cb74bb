/**
 * Goal: no change to a signed object or an invite makes a node believe something else. Method: every
 * single-byte and single-character change of real ones, random bytes, and random valid ones.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { openCertificate } from '../../../overlay/identity/certificate.js';
import { decodeInvite, encodeInvite, looksLikeInvite } from '../../../overlay/identity/invite.js';
import { issueGrant, verifyGrant, verifyMembership } from '../../../overlay/identity/membership.js';
import { createGenesis, verifyGenesis } from '../../../overlay/identity/network.js';
import { openGrant, type GrantLimits } from '../../../overlay/identity/grant.js';
import { extendRevocations, verifyRevocations } from '../../../overlay/identity/revocation.js';
import { normalizeHostName } from '../../../overlay/identity/names.js';
import { defaultSubnet4, parseSubnet4 } from '../../../overlay/identity/addresses.js';
import type { Result } from '../../../overlay/base/result.js';
import {
  GENESIS,
  grantBy,
  memberBy,
  owner,
  peer,
  ROOT_SEED,
  ROOT_SIGNER,
  seed,
  unwrap,
} from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const inviter = memberBy(ROOT_SIGNER, 3, { roles: ['inviter'] });
const member = memberBy(inviter.signer, 4);
const revocations = unwrap(
  extendRevocations(
    null,
    { peers: [peer(8), peer(9)], invites: ['0123456789abcdef'] },
    GENESIS,
    ROOT_SEED,
    nodeCrypto,
  ),
);
const line = unwrap(
  encodeInvite({
    genesis: GENESIS,
    psk: seed(5),
    grant: unwrap(grantBy(ROOT_SIGNER, 7)),
    inviteSecret: seed(7),
    bootstrap: [`/ip4/192.168.1.20/tcp/4242/p2p/${peer(2)}`, '/dns4/a.example/tcp/1'],
  }),
);

const judges: Readonly<Record<string, (bytes: Uint8Array) => Result<unknown>>> = {
  genesis: (bytes) => verifyGenesis(bytes, nodeCrypto),
  grant: (bytes) => verifyGrant(bytes, GENESIS, null, nodeCrypto),
  'root certificate': (bytes) => verifyMembership(bytes, peer(2), GENESIS, null, nodeCrypto),
  'invite certificate': (bytes) => verifyMembership(bytes, peer(4), GENESIS, null, nodeCrypto),
  'revocation list': (bytes) => verifyRevocations(bytes, GENESIS, nodeCrypto),
};
const genuine: Readonly<Record<string, Uint8Array>> = {
  genesis: GENESIS.bytes,
  grant: member.grant.bytes,
  'root certificate': owner(2).certificate,
  'invite certificate': member.certificate,
  'revocation list': revocations.bytes,
};

describe('signed objects resist changes', () => {
  for (const [kind, judge] of Object.entries(judges)) {
    const bytes = genuine[kind] ?? new Uint8Array();

    it(`every changed byte of one ${kind} is refused`, () => {
      expect(judge(bytes).ok).to.equal(true);
      for (let offset = 0; offset < bytes.length; offset++) {
        for (const flip of [0x01, 0x20, 0x80, 0xff]) {
          const changed = Uint8Array.from(bytes);
          changed[offset] = (changed[offset] ?? 0) ^ flip;
          expect(judge(changed).ok, `offset ${String(offset)}`).to.equal(false);
        }
      }
    });

    it(`every truncation and extension of one ${kind} is refused`, () => {
      for (let length = 0; length < bytes.length; length++) {
        expect(judge(bytes.slice(0, length)).ok).to.equal(false);
      }
      for (const extra of [0x00, 0x80, 0xf6, 0xff]) {
        expect(judge(Uint8Array.from([...bytes, extra])).ok).to.equal(false);
      }
    });

    it(`random bytes and random splices are no ${kind}, and never throw`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(bytes.length), (noise, at) => {
          expect(judge(noise).ok).to.equal(false);
          const spliced = Uint8Array.from([...bytes.slice(0, at), ...noise]);
          if (!Buffer.from(spliced).equals(bytes)) expect(judge(spliced).ok).to.equal(false);
        }),
        { numRuns: 300 },
      );
    });
  }

  it('taking apart without judging never throws either', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        openCertificate(noise);
        openGrant(noise, nodeCrypto);
      }),
    );
  });
});

describe('invites resist changes', () => {
  const alphabet = Array.from('qpzry9x8gf2tvdw0s3jn54khce6mua7l1bio.-/!\u00e4');

  it('every change of a single character is refused', () => {
    expect(decodeInvite(line, nodeCrypto).ok).to.equal(true);
    for (let offset = 0; offset < line.length; offset++) {
      for (const character of alphabet) {
        if (line[offset] === character) continue;
        const changed = line.slice(0, offset) + character + line.slice(offset + 1);
        expect(decodeInvite(changed, nodeCrypto).ok, changed).to.equal(false);
      }
    }
  });

  it('every truncation, at either end, and every missing character is refused', () => {
    for (let offset = 0; offset < line.length; offset++) {
      for (const text of [
        line.slice(0, offset),
        line.slice(offset + 1),
        line.slice(0, offset) + line.slice(offset + 1),
      ]) {
        expect(decodeInvite(text, nodeCrypto).ok, text).to.equal(false);
      }
    }
  });

  it('any text is refused without throwing', () => {
    const textual = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom(...alphabet), maxLength: 200 })
        .map((text) => `ovl1${text}`),
    );
    fc.assert(
      fc.property(textual, (text) => {
        looksLikeInvite(text);
        expect(decodeInvite(text, nodeCrypto).ok).to.equal(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('identities round-trip', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('whatever the genesis says', () => {
    const request = fc.record({
      rootSecretKey: seeds,
      name,
      subnet4: fc.constantFrom('10.0.0.0/8', '192.168.7.0/24', '172.16.0.0/29'),
      open: fc.boolean(),
      createdAtS: fc.nat(253_402_300_799),
      leaseTermS: fc.integer({ min: 5, max: 30 * 86_400 }),
    });
    fc.assert(
      fc.property(request, (value) => {
        const genesis = unwrap(createGenesis(value, nodeCrypto));
        expect(unwrap(verifyGenesis(genesis.bytes, nodeCrypto))).to.deep.equal(genesis);
      }),
    );
  });

  it('whatever the invite says', () => {
    const limits: fc.Arbitrary<GrantLimits> = fc.record(
      {
        expiresAtS: fc.nat(253_402_300_799),
        uses: fc.constant(1),
        roles: fc.uniqueArray(fc.constantFrom('inviter', 'relay', 'superpeer')),
        name,
        address4: fc.integer({ min: 1, max: 254 }).map((last) => `10.77.9.${String(last)}`),
        scheduler: fc.constantFrom('adaptive' as const, 'failover' as const),
        interfaces: fc.array(fc.constantFrom('eth0', 'wlan0'), { minLength: 1, maxLength: 8 }),
      },
      { requiredKeys: ['expiresAtS', 'uses', 'roles'] },
    );
    const port = fc.nat(65_535).map(String);
    const address = fc.oneof(
      fc.tuple(fc.ipV4(), port, seeds).map(([ip, number]) => `/ip4/${ip}/tcp/${number}`),
      fc
        .tuple(
          fc.oneof(
            fc.ipV4().map((ip) => `4/${ip}`),
            fc.ipV6().map((ip) => `6/${ip}`),
          ),
          port,
        )
        .map(([ip, number]) => `/ip${ip}/tcp/${number}/p2p/${peer(Number(number) % 3)}`),
      fc.domain().map((domain) => `/dns4/${domain}/tcp/443`),
    );
    const bootstrap = fc.array(address, { minLength: 1, maxLength: 8 });
    const psk = fc.option(seeds);
    fc.assert(
      fc.property(limits, seeds, bootstrap, psk, (wanted, secret, addresses, key) => {
        const grant = unwrap(issueGrant(wanted, secret, ROOT_SIGNER, GENESIS, null, nodeCrypto));
        const invite = {
          genesis: GENESIS,
          psk: key,
          grant,
          inviteSecret: secret,
          bootstrap: addresses,
        };
        const text = unwrap(encodeInvite(invite));
        expect(unwrap(decodeInvite(text, nodeCrypto))).to.deep.equal(invite);
      }),
    );
  });

  it('host names stay as they are once normalized, whatever they came from', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = normalizeHostName(text);
        if (once !== null) expect(normalizeHostName(once)).to.equal(once);
      }),
    );
  });

  it('a default subnet is always valid and free of the routes given', () => {
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const routes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 });
    fc.assert(
      fc.property(id, routes, (bytes, seconds) => {
        const taken = seconds.map((second) => `10.${String(second)}.128.0/17`);
        const subnet = unwrap(defaultSubnet4(Buffer.from(bytes).toString('hex'), taken));
        expect(parseSubnet4(subnet).ok).to.equal(true);
        const [, second] = subnet.split('.');
        expect(seconds.map(String)).to.not.include(second);
      }),
    );
  });
});
