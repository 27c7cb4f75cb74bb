import { expect } from 'chai';
import {
  clean,
  count,
  formatBytes,
  formatEndpoint,
  formatExpiry,
  formatMs,
  formatRate,
  formatSeconds,
  formatShare,
  peerLabel,
  shortPeerId,
} from '../../../src/cli/text/format.js';

describe('cli/text/format', () => {
  it('lets no control character or text direction trick through', () => {
    const hostile = 'a\u001b[31mb\nc\td\u0000e\u009bf\u202eg\u2028h\u007f';
    expect(clean(hostile)).to.equal('a�[31mb�c�d�e�f�g�h�');
    expect(clean('Zoë 漢字 …')).to.equal('Zoë 漢字 …');
  });

  it('labels a peer by name, else by the end of its id', () => {
    const peerId = '12D3KooW9tHTtS3inCZiYykw4u5G4frbjVFqhkmJX12gSNCVeH3e';
    expect(shortPeerId(peerId)).to.equal('…SNCVeH3e');
    expect(peerLabel({ name: 'nas', peerId })).to.equal('nas');
    expect(peerLabel({ name: null, peerId })).to.equal('…SNCVeH3e');
  });

  it('writes times with three digits that matter', () => {
    expect([null, 0.312, 12.14, 99.96, 1250.4].map(formatMs)).to.deep.equal([
      '-',
      '0.31 ms',
      '12.1 ms',
      '100.0 ms',
      '1250 ms',
    ]);
  });

  it('writes durations in two units', () => {
    const written = [0, 0.412, 9.96, 12, 59.6, 61, 3600, 3661, 90_000, 86_400 * 400].map(
      formatSeconds,
    );
    expect(written).to.deep.equal([
      '0 s',
      '0.4 s',
      '10 s',
      '12 s',
      '1 m',
      '1 m 1 s',
      '1 h',
      '1 h 1 m',
      '1 d 1 h',
      '400 d',
    ]);
  });

  it('writes bytes in SI units without ever showing 1000 of one', () => {
    const written = [0, 999, 1000, 1500, 9_949, 9_950, 999_499, 999_500, 2e9, 5e18].map(
      formatBytes,
    );
    expect(written).to.deep.equal([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.5 kB',
      '9.9 kB',
      '10 kB',
      '999 kB',
      '1.0 MB',
      '2.0 GB',
      '5000 PB',
    ]);
  });

  it('writes rates in bits, and shares in percent', () => {
    expect([null, 0, 999.4, 1500, 48e6, 1e10].map(formatRate)).to.deep.equal([
      '-',
      '0 b/s',
      '999 b/s',
      '1.5 kb/s',
      '48 Mb/s',
      '10 Gb/s',
    ]);
    expect([0, 0.0149, 1].map(formatShare)).to.deep.equal(['0.0 %', '1.5 %', '100.0 %']);
  });

  it('writes where a path ends as people do', () => {
    const written = [
      '',
      '192.168.1.5:4242',
      '/ip4/192.168.1.5/tcp/4242',
      '/ip6/fd00::1/udp/1/p2p/12D3KooW',
      '/ip4/192.0.2.7/tcp/4242/p2p/12D3KooW/p2p-circuit/p2p/12D3KooX',
      '/dns4/x\u001b/tcp/1',
    ].map(formatEndpoint);
    expect(written).to.deep.equal([
      '-',
      '192.168.1.5:4242',
      '192.168.1.5:4242',
      '[fd00::1]:1',
      'relay 192.0.2.7:4242',
      '/dns4/x�/tcp/1',
    ]);
  });

  it('counts in singular and plural', () => {
    expect([0, 1, 2].map((amount) => count(amount, 'peer'))).to.deep.equal([
      '0 peers',
      '1 peer',
      '2 peers',
    ]);
  });

  it('says how far off an expiry is', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(formatExpiry('2026-01-01T00:10:00Z', now)).to.equal('in 10 m');
    expect(formatExpiry('2025-12-31T23:00:00Z', now)).to.equal('1 h ago');
    expect(formatExpiry(null, now)).to.equal('never');
    expect(formatExpiry('soon\u001b', now)).to.equal('soon�');
  });
});
