/**
 * Goal: the first thing a visitor runs works, with and without root, and leaves nothing behind.
 * Method: the demo itself, run as a program; without root inside a namespace with loopback only.
 */
import { chownSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { Program } from './lab/program.js';
import type { Host } from './lab/host.js';
import { scriptArgs } from './lab/scripts.js';
import { withLab } from './lab/scenario.js';

const DEMO_TIMEOUT_MS = 90_000;
const NOBODY = 65534;

describe('the demo', function () {
  this.timeout(DEMO_TIMEOUT_MS + 10_000);
  let host: Host;

  withLab((lab) => {
    host = lab.host('visitor');
    chownSync(host.folder, NOBODY, NOBODY);
    return Promise.resolve();
  });

  const argv = scriptArgs('../../demo/demo');

  it('passes as root', async () => {
    const demo = new Program([process.execPath, ...argv]);
    const { code } = await demo.waitFor(DEMO_TIMEOUT_MS);
    expect(code, demo.stdout + demo.stderr).to.equal(0);
    expect(demo.stdout).to.match(/All passed in [\d.]+ s\.\n$/);
  });

  it('passes without root, on loopback', async () => {
    const ran = await host.exec(process.execPath, argv, {
      unprivileged: true,
      timeoutMs: DEMO_TIMEOUT_MS,
    });
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    expect(ran.stdout)
      .to.contain('loopback')
      .and.to.match(/All passed in [\d.]+ s\.\n$/);
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith('overlay-demo-'));
    expect(left).to.deep.equal([]);
  });
});
