/**
 * Goal: a socket that hears of changes, whatever the kernel answers, and leaves no descriptor.
 * Method: a libc that answers as told; this machine's own kernel for what needs no privileges.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { NetlinkEvents } from '../../../../src/io/linux/interface-events.js';
import { libc, type Libc } from '../../../../src/io/linux/libc.js';
import { EAGAIN, EINVAL, fakeLibc } from './fake-libc.js';

const ENOBUFS = 105;
const EIO = 5;

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('hearing of changed interfaces', () => {
  const opened: NetlinkEvents[] = [];
  const closed: number[] = [];
  let memberships: number[] = [];
  let sent = 0;

  beforeEach(() => {
    closed.length = 0;
    memberships = [];
    sent = 0;
  });

  afterEach(() => {
    for (const events of opened.splice(0)) events.close();
  });

  /** @param answers results of `recv`, then nothing more to read. */
  function eventsAnswering(answers: number[], more: Partial<Libc> = {}): NetlinkEvents {
    const events = new NetlinkEvents(
      fakeLibc({
        socket: () => 5,
        setsockopt: (_fd, level, option, value) => {
          expect([level, option]).to.deep.equal([270, 1]);
          memberships.push(value[0] ?? 0);
          return 0;
        },
        send: (_fd, bytes) => {
          sent++;
          return bytes.length;
        },
        recv: () => answers.shift() ?? -EAGAIN,
        eventfd: () => 6,
        allocate: (length) => ({
          address: 0,
          view: new DataView(new ArrayBuffer(length)),
          free: () => undefined,
        }),
        close: (fd) => closed.push(fd) - closed.length,
        ...more,
      }),
    );
    opened.push(events);
    return events;
  }

  it('joins the groups of links and of addresses and routes of both kinds, and gets itself a port', async () => {
    const events = eventsAnswering([]);
    expect(memberships).to.deep.equal([1, 5, 9, 7, 11, 32]);
    expect(sent).to.equal(1);
    events.close();
    events.close();
    await delay(0);
    expect(closed).to.have.members([5, 6]);
  });

  it('does without the group that old kernels lack, and without no other', () => {
    const lacking = (group: number): Partial<Libc> => ({
      setsockopt: (_fd, _level, _option, value) => (value[0] === group ? -EINVAL : 0),
    });
    expect(eventsAnswering([16], lacking(32)).drain()).to.equal(null);
    for (const group of [1, 5, 9, 7, 11]) {
      expect(() => eventsAnswering([], lacking(group))).to.throw(/failed with EINVAL/);
    }
    expect(() =>
      eventsAnswering([], {
        setsockopt: (_fd, _level, _option, value) => (value[0] === 32 ? -EIO : 0),
      }),
    ).to.throw(/EIO/);
  });

  it('reads on behind lost and interrupted messages, to the end', () => {
    const answers = [16, -ENOBUFS, 16, -4, 16];
    expect(eventsAnswering(answers).drain()).to.equal(null);
    expect(answers).to.deep.equal([]);
  });

  it('stops reading after a while, and names an error that will stay', () => {
    let reads = 0;
    const endless = eventsAnswering([], { recv: () => ++reads });
    expect(endless.drain()).to.equal(null);
    expect(reads).to.equal(1024);
    expect(eventsAnswering([16, -EIO]).drain()).to.equal('EIO');
  });

  it('closes its socket when it cannot be set up', () => {
    for (const broken of [
      { setsockopt: () => -EINVAL },
      { send: () => -1 },
      { eventfd: () => -24 },
    ])
      expect(() => eventsAnswering([], broken)).to.throw(/failed with/);
    expect(closed).to.deep.equal([5, 5, 5]);
  });

  it('waits without waking and ends on a real kernel, with no descriptor left', async () => {
    const before = descriptors();
    const events = new NetlinkEvents(libc());
    expect(events.drain()).to.equal(null);
    events.wait(() => {
      throw new Error('woken after close');
    });
    events.close();
    const deadline = performance.now() + 5_000;
    while (descriptors() > before && performance.now() < deadline) await delay(5);
    expect(descriptors()).to.be.at.most(before);
  });
});
