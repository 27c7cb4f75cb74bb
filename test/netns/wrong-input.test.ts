/**
 * Goal: whatever is wrong with an invite or with the machine, one line says what and what to do, the
 * exit code tells a script, and nothing is left behind; without a TUN device a node still works.
 * Method: the same host tries invites that are mistyped, cut short, expired, revoked or of another
 * network, then joins with a good one; others lack rights or /dev/net/tun.
 *
 *   a (creates)   b (tries)   u (unprivileged)   o (open network)   x (another network)
 *   |             |           |                  |                  |
 *   +-------------+-----------+------------------+------------------+-- switch lan
 */
import { chownSync } from 'node:fs';
import { expect } from 'chai';
import type { ExecOptions, Host } from './lab/host.js';
import { create, expectAllPing, expectOverlayPing, join, NO_TRACES } from './lab/network.js';
import { tracesOn, type Member } from './lab/network.js';
import { eventually, withLab } from './lab/scenario.js';

const NOBODY = 65534;
// Dialling a network that does not answer may take its time, but not a person's patience.
const REFUSAL_TIMEOUT_MS = 30_000;

/** The node must fail with exit 1 and exactly one line for people, which is returned. */
async function refusal(host: Host, args: readonly string[], options: ExecOptions = {}) {
  const [verb = '', ...rest] = args;
  const run = await host.overlay([verb, '--no-mdns', '--name', host.name, ...rest], {
    timeoutMs: REFUSAL_TIMEOUT_MS,
    ...options,
  });
  expect(run.code, run.stderr).to.equal(1);
  expect(run.stderr).to.not.match(/^\s+at /m);
  const lines = run.stderr.split('\n').filter((line) => line.startsWith('overlay: '));
  expect(lines, run.stderr).to.have.length(1);
  expect(tracesOn(host)).to.deep.equal(NO_TRACES);
  return lines[0] ?? '';
}

describe('wrong input and missing rights', function () {
  this.timeout(120_000);
  let a: Member & { readonly invite: string };
  let b: Host;
  let u: Host;
  let o: Host;
  let x: Host;

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    const hosts = ['a', 'b', 'u', 'o', 'x'].map((name, index) => {
      const host = lab.host(name);
      const number = String(index + 1);
      host.connect(lan, { v4: `192.0.2.${number}/24`, v6: `2001:db8::${number}/64` });
      return host;
    }) as [Host, Host, Host, Host, Host];
    [, b, u, o, x] = hosts;
    chownSync(u.folder, NOBODY, NOBODY);
    a = await create(hosts[0]);
  });

  it('refuses what is no invite at all', async () => {
    expect(await refusal(b, ['join', 'hello'])).to.match(/invite/i);
    expect(await refusal(b, ['join', 'ovl1'])).to.match(/invite/i);
  });

  it('refuses a mistyped invite', async () => {
    const middle = Math.floor(a.invite.length / 2);
    const typo = a.invite[middle] === 'q' ? 'p' : 'q';
    const mistyped = a.invite.slice(0, middle) + typo + a.invite.slice(middle + 1);
    expect(await refusal(b, ['join', mistyped])).to.match(/invite/i);
  });

  it('refuses an invite that was cut short', async () => {
    for (const share of [0.1, 0.5, 0.99]) {
      const cut = a.invite.slice(0, Math.floor(a.invite.length * share));
      expect(await refusal(b, ['join', cut])).to.match(/invite/i);
    }
  });

  it('refuses an expired invite', async () => {
    const { invite, expiresAt } = await a.host.overlayJson('invite', ['--expires', '1s']);
    await eventually('the invite has expired', 5_000, () => {
      if (Date.now() <= Date.parse(expiresAt ?? '')) throw new Error('not yet');
    });
    expect(await refusal(b, ['join', invite ?? ''])).to.match(/expired/i);
  });

  it('refuses a revoked invite', async () => {
    const { id, invite } = await a.host.overlayJson('invite');
    const revoked = await a.host.overlayJson('invite revoke', [id]);
    expect(revoked).to.include({ id, revoked: true });
    expect(await refusal(b, ['join', invite ?? ''])).to.match(/revoked|not valid|refused/i);
  });

  it('refuses the second use of an invite for one', async () => {
    const { invite } = await a.host.overlayJson('invite', ['--uses', '1']);
    await join(x, invite ?? '');
    try {
      expect(await refusal(b, ['join', invite ?? ''])).to.match(/used/i);
    } finally {
      expect((await x.overlay(['leave'])).code).to.equal(0);
    }
  });

  it('refuses an invite whose network is not the one found at its addresses', async () => {
    const gone = await create(x);
    await gone.node.terminate();
    expect((await x.overlay(['leave'])).code).to.equal(0);
    const other = await create(x);
    expect(other.address4).to.be.a('string');
    await refusal(b, ['join', gone.invite]);
  });

  it('joins with a good invite after all that', async () => {
    const member = await join(b, a.invite);
    await expectAllPing([a, member]);
  });

  it('refuses to start a second node on the same state', async () => {
    const second = await b.overlay(['up'], { timeoutMs: REFUSAL_TIMEOUT_MS });
    expect(second.code).to.equal(1);
    expect(second.stderr).to.match(/already running/i);
    expect((await b.overlayJson('status')).ready).to.equal(true);
  });

  it('names --no-tun when it may not make a device', async () => {
    const line = await refusal(u, ['join', a.invite], { unprivileged: true });
    expect(line).to.contain('--no-tun');
  });

  it('names --no-tun when the system has no /dev/net/tun', async () => {
    const line = await refusal(o, ['join', a.invite], { withoutTun: true });
    expect(line).to.contain('--no-tun').and.to.contain('/dev/net/tun');
  });

  it('works without a device for an unprivileged user', async () => {
    const member = await join(u, a.invite, ['--no-tun'], { unprivileged: true });
    expect(member.device).to.equal(null);
    expect(tracesOn(u)).to.deep.equal(NO_TRACES);
    await expectOverlayPing(member, 'a');
    await expectOverlayPing(a, 'u');
  });

  it('joins an open network by nothing but an address', async () => {
    expect((await x.overlay(['leave'])).code).to.equal(0);
    const opened = await create(x, ['--open']);
    const status = await x.overlayJson('status');
    expect(status.network.open).to.equal(true);
    const member = await join(o, `/ip4/192.0.2.5/tcp/4242/p2p/${opened.peerId}`);
    expect((await o.overlayJson('status')).network.id).to.equal(status.network.id);
    await expectAllPing([opened, member]);
  });
});
