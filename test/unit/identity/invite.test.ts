import { bech32m } from '@scure/base';
import { encode } from 'cborg';
import { expect } from 'chai';
import { signGrant } from '../../../overlay/identity/grant.js';
import {
  decodeInvite,
  encodeInvite,
  INVITE_CHARS_MAX,
  looksLikeInvite,
  type Invite,
} from '../../../overlay/identity/invite.js';
import {
  codeOf,
  GENESIS,
  genesisOf,
  grantBy,
  memberBy,
  peer,
  PLAIN_LIMITS,
  ROOT_SIGNER,
  seed,
  unwrap,
} from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const INVITE: Invite = {
  genesis: GENESIS,
  psk: new Uint8Array(32).fill(0x5a),
  grant: unwrap(grantBy(ROOT_SIGNER, 7)),
  inviteSecret: seed(7),
  bootstrap: [
    `/ip4/192.168.1.20/tcp/4242/p2p/${peer(2)}`,
    `/ip4/203.0.113.7/tcp/4242/p2p/${peer(3)}`,
  ],
};
const LINE = unwrap(encodeInvite(INVITE));

/** Writes content of our choice with a right checksum. */
function lineOf(content: Uint8Array, prefix = 'ovl'): string {
  return bech32m.encode(prefix, bech32m.toWords(content), false);
}

function contentOf(line: string): Uint8Array {
  return bech32m.fromWords(bech32m.decode(line as 'ovl1', false).words);
}

function decode(text: string): ReturnType<typeof decodeInvite> {
  return decodeInvite(text, nodeCrypto);
}

describe('invite', () => {
  it('is one short line that gives everything back', () => {
    expect(LINE).to.match(/^ovl1[a-z0-9]+$/);
    expect(LINE.length).to.be.at.most(620);
    expect(unwrap(decode(LINE))).to.deep.equal(INVITE);
  });

  it('also carries open networks, text addresses and chains of inviters', () => {
    const inviter = memberBy(ROOT_SIGNER, 3, { roles: ['inviter'] });
    const deeper = memberBy(inviter.signer, 4, { roles: ['inviter'] });
    const invite: Invite = {
      ...INVITE,
      psk: null,
      grant: unwrap(grantBy(deeper.signer, 7)),
      bootstrap: ['/dns4/vpn.example.org/tcp/443', ...INVITE.bootstrap],
    };
    expect(unwrap(decode(unwrap(encodeInvite(invite))))).to.deep.equal(invite);
  });

  it('is read as people paste it', () => {
    const wrapped = LINE.replace(/(.{60})/g, '$1\r\n  ');
    const pasted = [
      `  ${LINE}\n`,
      `"${LINE}"`,
      `\u201c${LINE}\u201d`,
      `\`${LINE}\``,
      wrapped,
      LINE.toUpperCase(),
      `O${LINE.slice(1)}`,
      `overlay join ${LINE}`,
      `\ufeff${LINE.slice(0, 100)}\u200b${LINE.slice(100)}`,
    ];
    for (const text of pasted) {
      expect(looksLikeInvite(text)).to.equal(true);
      expect(unwrap(decode(text))).to.deep.equal(INVITE);
    }
  });

  it('is told from other text', () => {
    const others = [
      '',
      'ovl',
      'hello',
      '/ip4/1.2.3.4/tcp/1',
      `x${LINE}`,
      lineOf(contentOf(LINE), 'ovx'),
    ];
    for (const text of others) {
      expect(looksLikeInvite(text), text).to.equal(false);
      expect(codeOf(decode(text)), text).to.equal('not-an-invite');
    }
    expect(codeOf(decode(LINE + 'q'.repeat(INVITE_CHARS_MAX)))).to.equal('not-an-invite');
  });

  it('is refused when damaged, with what to do', () => {
    const damaged = [
      'ovl1',
      `${LINE}q`,
      LINE.slice(0, -1),
      LINE.slice(0, 80),
      LINE + LINE,
      LINE.slice(0, 40) + LINE.slice(41),
      LINE.replace(/^ovl1/, 'ovl11'),
      lineOf(contentOf(LINE), 'ovl1x'),
    ];
    for (const text of damaged) {
      const result = decode(text);
      expect(codeOf(result), text).to.equal('damaged');
      expect(result.ok ? '' : result.detail).to.equal(
        'this invite is damaged or cut off: copy the whole line that starts with ovl1',
      );
    }
  });

  it('of a later version is named as such', () => {
    const content = contentOf(LINE);
    content[0] = 2;
    expect(codeOf(decode(lineOf(content)))).to.equal('unsupported-version');
  });

  it('with content that makes no sense is malformed', () => {
    const content = contentOf(LINE);
    expect(codeOf(decode(lineOf(content.slice(0, -1))))).to.equal('malformed');
    expect(codeOf(decode(lineOf(Uint8Array.from([...content, 0]))))).to.equal('malformed');
    expect(codeOf(decode(lineOf(Uint8Array.of(1))))).to.equal('malformed');
    expect(codeOf(decode(lineOf(Uint8Array.of(1, 0x80))))).to.equal('malformed');
  });

  it('never throws on an issuer of any size', () => {
    for (const issuerBytes of [0, 1, 3000, 3328, 3329, 4000, 4096, 7000]) {
      const issuer = new Uint8Array(issuerBytes);
      const grant = [0, 1, [], {}, issuer, new Uint8Array(64)];
      const payload = encode([GENESIS.bytes, null, seed(7), grant, ['/ip4/192.0.2.1/tcp/1']]);
      const text = lineOf(Uint8Array.from([1, ...payload]));
      expect(codeOf(decode(text)), String(issuerBytes)).to.equal('malformed');
    }
  });

  it('with any signed part changed is refused, even with a right checksum', () => {
    const content = contentOf(LINE);
    const at = (part: Uint8Array): number => Buffer.from(content).indexOf(part);
    const signature = INVITE.grant.bytes.slice(-64);
    for (const offset of [
      at(GENESIS.rootKey),
      at(GENESIS.bytes.slice(-64)),
      at(INVITE.inviteSecret) + 31,
      at(signature),
    ]) {
      expect(offset).to.be.greaterThan(0);
      const changed = Uint8Array.from(content);
      changed[offset] = (changed[offset] ?? 0) ^ 1;
      expect(codeOf(decode(lineOf(changed)))).to.equal('bad-signature');
    }
  });

  it('whose grant belongs to another network or breaks its rules is refused', () => {
    const foreign = unwrap(encodeInvite({ ...INVITE, genesis: genesisOf(seed(99)) }));
    expect(codeOf(decode(foreign))).to.equal('bad-signature');
    const { certificate } = memberBy(ROOT_SIGNER, 3);
    const { inviteKey } = INVITE.grant;
    const { networkId } = GENESIS;
    const bytes = signGrant(inviteKey, PLAIN_LIMITS, certificate, networkId, seed(3), nodeCrypto);
    const unruly = unwrap(encodeInvite({ ...INVITE, grant: { ...INVITE.grant, bytes } }));
    expect(codeOf(decode(unruly))).to.equal('malformed');
  });

  it('needs 1 to 8 multiaddrs', () => {
    const attempt = (bootstrap: readonly string[]): string =>
      codeOf(encodeInvite({ ...INVITE, bootstrap }));
    expect(attempt([])).to.equal('bad-bootstrap');
    expect(attempt(new Array<string>(9).fill('/ip4/192.0.2.1/tcp/1'))).to.equal('bad-bootstrap');
    expect(attempt(['example.org:4242'])).to.equal('bad-bootstrap');
    expect(attempt(new Array<string>(8).fill('/ip4/192.0.2.1/tcp/1'))).to.equal('ok');
  });

  it('says everything in one line without a full stop', () => {
    const content = contentOf(LINE);
    content[0] = 9;
    const texts = ['x', 'ovl1q', lineOf(content), lineOf(Uint8Array.of(1, 0))];
    for (const text of texts) {
      const result = decode(text);
      expect(result.ok ? '' : result.detail).to.match(/^this [^\n]+: [^\n]+[^.\n]$/);
    }
  });
});
