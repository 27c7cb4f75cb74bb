import { expect } from 'chai';
import {
  isHostName,
  isInterfaceName,
  isNetworkName,
  isRole,
  normalizeHostName,
} from '../../../overlay/identity/names.js';

describe('names', () => {
  it('accepts network names that are DNS labels of up to 32 characters', () => {
    for (const name of ['a', 'home', 'x-1', '0', 'a'.repeat(32)]) {
      expect(isNetworkName(name), name).to.equal(true);
    }
    for (const name of ['', '-a', 'a-', 'A', 'a.b', 'ä', 'a b', 'a\n', 'a'.repeat(33)]) {
      expect(isNetworkName(name), name).to.equal(false);
    }
  });

  it('accepts host names of up to 63 characters', () => {
    expect(isHostName('a'.repeat(63))).to.equal(true);
    expect(isHostName('a'.repeat(64))).to.equal(false);
    expect(isHostName('nas_1')).to.equal(false);
  });

  it('accepts roles and interface names in use, and refuses control characters and slashes', () => {
    expect(['inviter', 'a', 'r2-d2'].every(isRole)).to.equal(true);
    expect(['', '2a', 'a-', 'Owner', 'a'.repeat(17)].some(isRole)).to.equal(false);
    expect(['eth0', 'wlp3s0.7', 'br-lan@if3', 'Wi-Fi 2'].every(isInterfaceName)).to.equal(true);
    const wrong = ['', ' eth0', 'eth0 ', 'a/b', 'a\nb', '\u001b[31m', 'a'.repeat(33)];
    expect(wrong.some(isInterfaceName)).to.equal(false);
  });

  it('makes a host name of what machines call themselves', () => {
    expect(normalizeHostName('nas')).to.equal('nas');
    expect(normalizeHostName('NAS.fritz.box')).to.equal('nas');
    expect(normalizeHostName("Zo\u00eb's Mac.local")).to.equal('zoe-s-mac');
    expect(normalizeHostName('_my__pc_')).to.equal('my-pc');
    expect(normalizeHostName(`${'a'.repeat(62)}-bcd`)).to.equal('a'.repeat(62));
    expect(normalizeHostName('')).to.equal(null);
    expect(normalizeHostName('.local')).to.equal(null);
    expect(normalizeHostName('\u4e2d\u6587')).to.equal(null);
  });
});
