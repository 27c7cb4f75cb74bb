import { expect } from 'chai';
import { Door, LATER_MS_MAX, REGISTRATION_MS } from '../../../dhcp/door.js';

describe('the door for newcomers', () => {
  it('lets one in at once when nothing is under way, and the next one after a while', () => {
    const door = new Door();
    expect(door.admit(1_000, false)).to.equal(0);
    expect(door.admit(1_000, false)).to.equal(REGISTRATION_MS);
    expect(door.admit(1_000 + REGISTRATION_MS, false)).to.equal(0);
  });

  it('gives each that waits a time of its own', () => {
    const door = new Door();
    const times = [0, 1, 2, 3].map(() => door.admit(0, true));
    expect(times).to.deep.equal([1, 2, 3, 4].map((slot) => slot * REGISTRATION_MS));
  });

  it('sends nobody away for long, and forgets times that are over', () => {
    const door = new Door();
    for (let count = 0; count < 100; count++) {
      expect(door.admit(0, true)).to.be.within(1, LATER_MS_MAX);
    }
    expect(door.admit(1e6, true)).to.equal(REGISTRATION_MS);
    expect(door.admit(1e6, false)).to.equal(0);
  });
});
