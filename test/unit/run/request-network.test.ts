/**
 * Goal: what a person asks for becomes a network to run in, or one sentence that says why not. Method:
 * a state directory of the test's own; no network is involved.
 */
import { join } from 'node:path';
import { expect } from 'chai';
import { hasCode } from '../../../overlay/base/errors.js';
import { encodeInvite } from '../../../overlay/identity/invite.js';
import { verifyMembership } from '../../../overlay/identity/membership.js';
import { verifyGenesis } from '../../../overlay/identity/network.js';
import { StateDir } from '../../../src/io/state/state-dir.js';
import type { RunRequest } from '../../../src/run/request.js';
import {
  networkFor,
  type RequestedNetwork,
  type RequestParts,
} from '../../../src/run/request-network.js';
import { fromState, identityOf, toState } from '../../../src/run/stored-network.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { peer, seed, unwrap } from '../../support/identity.js';
import { SILENT } from '../../support/silent.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { testCrypto, TestNetwork } from '../../support/test-network.js';

const CREATE: RunRequest = { kind: 'create', networkName: 'home', subnet4: null, open: false };
const UP: RunRequest = { kind: 'up' };

describe('networkFor', () => {
  const folder = temporaryFolder();
  let parts: RequestParts;
  let notices: string[];
  let clock: ManualClock;

  beforeEach(async () => {
    clock = new ManualClock();
    notices = [];
    parts = {
      ...{ clock, rng: new SeededRng(1), crypto: testCrypto, logger: SILENT },
      state: await StateDir.open(join(folder(), 'state')),
      secretKey: seed(2),
      ui: {
        logger: SILENT,
        progress: () => undefined,
        ready: () => undefined,
        invite: () => undefined,
        notice: (text) => notices.push(text),
      },
      signal: new AbortController().signal,
    };
  });

  async function ask(request: RunRequest): Promise<RequestedNetwork> {
    const requested = await networkFor(request, parts);
    if (requested.fresh) await parts.state.writeNetwork(toState(requested.kit));
    return requested;
  }

  async function codeOf(request: RunRequest): Promise<string> {
    try {
      await ask(request);
    } catch (error) {
      if (!hasCode(error)) throw error;
      expect(error.message).to.match(/^[^\n]{20,160}$/);
      return error.code;
    }
    return 'none';
  }

  function lineOf(network: TestNetwork, expiresAtS = 0): string {
    const { grant, inviteSecret } = network.invite({ expiresAtS });
    const { genesis } = network;
    const bootstrap = [`/ip4/192.0.2.1/tcp/4242/p2p/${peer(9)}`];
    return unwrap(encodeInvite({ genesis, psk: seed(8), grant, inviteSecret, bootstrap }));
  }

  it('creates a network whose owner is this node, with a key that keeps strangers out', async () => {
    const { kit, fresh } = await ask(CREATE);
    expect(fresh).to.equal(true);
    const genesis = unwrap(verifyGenesis(kit.genesis, testCrypto));
    expect(genesis).to.include({ name: 'home', open: false });
    expect(genesis.subnet4).to.match(/^10\.\d+\.0\.0\/16$/);
    expect(kit.psk).to.have.length(32);
    const identity = identityOf(kit, parts.secretKey, testCrypto);
    expect(identity.membership).to.deep.include({ kind: 'root', roles: ['inviter', 'owner'] });
    expect(identity.rootSecretKey).to.deep.equal(kit.rootSecretKey);
  });

  it('creates an open network without such a key', async () => {
    const { kit } = await ask({ ...CREATE, open: true, subnet4: '10.9.0.0/24' });
    expect(kit.psk).to.equal(null);
    const genesis = unwrap(verifyGenesis(kit.genesis, testCrypto));
    expect(genesis).to.include({ open: true, subnet4: '10.9.0.0/24' });
  });

  it('refuses a name or a subnet that is none', async () => {
    expect(await codeOf({ ...CREATE, networkName: 'No Name' })).to.equal('bad-name');
    expect(await codeOf({ ...CREATE, subnet4: '10.9.0.1/24' })).to.equal('bad-subnet');
    expect(await codeOf({ ...CREATE, subnet4: '127.0.0.0/16' })).to.equal('bad-subnet');
  });

  it('runs again from state, with exactly what was stored', async () => {
    expect(await codeOf(UP)).to.equal('no-network');
    const created = await ask(CREATE);
    const again = await ask(UP);
    expect(again).to.deep.equal({ kit: created.kit, fresh: false });
    expect(fromState(toState(created.kit))).to.deep.equal(created.kit);
  });

  it('joins by an invite as the member that it makes of this node', async () => {
    const network = new TestNetwork();
    const { kit, fresh } = await ask({ kind: 'join', bootstrap: lineOf(network) });
    expect(fresh).to.equal(true);
    expect(kit.psk).to.deep.equal(seed(8));
    expect(kit.rootSecretKey).to.equal(null);
    expect(kit.bootstrap).to.deep.equal([`/ip4/192.0.2.1/tcp/4242/p2p/${peer(9)}`]);
    const { genesis } = network;
    const judged = verifyMembership(kit.membership, peer(2), genesis, null, testCrypto);
    expect(unwrap(judged).kind).to.equal('invite');
  });

  it('refuses an invite that has expired, or is none', async () => {
    const line = lineOf(new TestNetwork(), Math.floor(clock.wallNow() / 1_000) + 60);
    await clock.advance(61_000);
    expect(await codeOf({ kind: 'join', bootstrap: line })).to.equal('expired');
    expect(await codeOf({ kind: 'join', bootstrap: 'ovl1nonsense' })).not.to.equal('none');
  });

  it('runs again by the line it joined by, though that has expired since', async () => {
    const line = lineOf(new TestNetwork(), Math.floor(clock.wallNow() / 1_000) + 60);
    const joined = await ask({ kind: 'join', bootstrap: line });
    await clock.advance(61_000);
    expect(await ask({ kind: 'join', bootstrap: line })).to.deep.equal({
      kit: joined.kit,
      fresh: false,
    });
    expect(notices).to.have.length(1);
  });

  it('belongs to one network at a time', async () => {
    await ask(CREATE);
    expect(await codeOf(CREATE)).to.equal('already-in-network');
    expect(await codeOf({ kind: 'join', bootstrap: lineOf(new TestNetwork()) })).to.equal(
      'already-in-network',
    );
  });

  it('says so when what is stored is not for this key, or damaged', async () => {
    const { kit } = await ask(CREATE);
    expect(() => identityOf(kit, seed(3), testCrypto)).to.throw(/join the network again/);
    const genesis = kit.genesis.slice(0, -1);
    expect(() => identityOf({ ...kit, genesis }, seed(2), testCrypto)).to.throw(
      /join the network again/,
    );
  });
});
