/** Goal: what a checker finds ends the run and is told, with what led to it. Method: checkers that find something at a given time. */
import { expect } from 'chai';
import type { Checker, Property } from '../../../../sim/checkers/checker.js';
import { scenarioOf } from '../../../../sim/scenarios/catalogue.js';
import { runScenario, type UntimedResult } from '../../../../sim/scenarios/run-scenario.js';
import { COMMON } from '../../../../sim/scenarios/settings.js';
import type { Simulation } from '../../../../sim/scenarios/simulation.js';
import { simCrypto } from '../../../support/sim/sim-crypto.js';

const FOUND_MS = 3_000;
const SETTINGS = { ...COMMON, nodes: 4, latency: 'lan', durationMs: 10_000, fill: 0.9 } as const;

/** Finds something once, three seconds after the beginning. */
function finder(property: Property): (simulation: Simulation) => readonly Checker[] {
  return ({ violations }) => {
    let isFound = false;
    return [
      {
        names: ['planted'],
        property,
        heard: () => undefined,
        look: ({ nowMs }) => {
          if (isFound || nowMs < FOUND_MS) return;
          isFound = true;
          const nodes = ['n0', 'n1'];
          violations.add({ property, name: 'planted', atMs: nowMs, detail: 'as told', nodes });
        },
      },
    ];
  };
}

async function run(
  checkers?: (simulation: Simulation) => readonly Checker[],
): Promise<UntimedResult> {
  return await runScenario(scenarioOf('flashcrowd')!, SETTINGS, {
    ...{ seed: 1, crypto: simCrypto },
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    ...(checkers === undefined ? {} : { checkers }),
  });
}

describe('a run of a scenario', () => {
  it('that finds nothing says so', async () => {
    const result = await run();
    expect(result).to.include({ verdict: 'ok', violation: null, seed: 1 });
    expect(result.liveness).to.include({ nodesWithoutAddress: 0, unsettledPromises: 0 });
    expect(result.topology.nodes.length).to.equal(result.nodes);
    expect(result.topology.links.length).to.be.greaterThan(0);
    expect(result.traffic.bytesPerS?.p50).to.be.greaterThan(0);
  });

  it('stops at once when something happens that must not', async () => {
    const result = await run(finder('safety'));
    expect(result.verdict).to.equal('unsafe');
    expect(result.simulatedS).to.equal(FOUND_MS / 1000);
    expect(result.safety).to.include({ planted: 1, duplicateLeases: 0 });
    expect(result.violation).to.include({ name: 'planted', atS: 3, detail: 'as told' });
    expect(result.violation?.diagram).to.include('sequenceDiagram').and.include('n0');
  });

  it('goes on when something was only late', async () => {
    const result = await run(finder('liveness'));
    expect(result.verdict).to.equal('not-converged');
    expect(result.simulatedS).to.be.greaterThan(FOUND_MS / 1000);
    expect(result.liveness).to.include({ planted: 1 });
  });
});
