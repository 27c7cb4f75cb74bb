import { expect } from 'chai';
import { CodedError } from '../../../../overlay/base/errors.js';
import { Violations } from '../../../../sim/checkers/checker.js';
import { HonestNodes } from '../../../../sim/checkers/honest-nodes.js';
import { fakeNode, found } from '../../../support/sim/fakes.js';

describe('the checker of honest nodes', () => {
  it('finds nodes that give up, and what they write down as errors', () => {
    const violations = new Violations();
    const checker = new HonestNodes(violations);
    const node = fakeNode('a');
    checker.heard({ kind: 'started', node }, 0);
    checker.heard({ kind: 'failed', node, error: new CodedError('internal', 'it broke') }, 1);
    checker.heard({ kind: 'error', node, message: 'no disk' }, 2);
    expect(found(violations)).to.deep.equal([
      'failedNodes: a: it broke',
      'loggedErrors: a: no disk',
    ]);
    expect(violations.first('safety')?.atMs).to.equal(1);
    expect(violations.first('liveness')).to.equal(null);
  });
});
