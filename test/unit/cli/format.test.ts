import { expect } from 'chai';
import {
  clean,
  count,
  formatBytes,
  formatExpiry,
  formatMs,
  formatSeconds,
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
