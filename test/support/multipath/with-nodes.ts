/** Nodes for each test of a suite, whose data planes must have found no fault in what they were told. */
import { expect } from 'chai';
import { linkTo, MultipathNodes, type TestNode } from './multipath-nodes.js';

export class NodesOfTest {
  nodes = new MultipathNodes();
  #all: TestNode[] = [];

  /** @param count how many there can be */
  begin(count?: number): void {
    this.nodes = new MultipathNodes(count);
    this.#all = [];
  }

  async pair(...options: Parameters<MultipathNodes['pair']>): Promise<[TestNode, TestNode]> {
    const made = await this.nodes.pair(...options);
    this.watch(...made);
    return made;
  }

  watch(...nodes: readonly TestNode[]): void {
    this.#all.push(...nodes);
  }

  expectNoFault(): void {
    for (const { plane } of this.#all) expect(plane.faults).to.deep.equal([]);
  }
}

/** Call it in a suite. */
export function withNodes(): NodesOfTest {
  const made = new NodesOfTest();
  beforeEach(() => {
    made.begin();
  });
  afterEach(() => {
    made.expectNoFault();
  });
  return made;
}

/** Both have the same paths, by id. */
export function expectSame(a: TestNode, b: TestNode): void {
  expect([...linkTo(a, b).paths.keys()].sort()).to.deep.equal(
    [...linkTo(b, a).paths.keys()].sort(),
  );
}

/** Nobody was accused of anything. */
export function sound(...those: readonly TestNode[]): void {
  for (const { misdeeds } of those) expect(misdeeds).to.deep.equal([]);
}
