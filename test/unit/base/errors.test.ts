import { expect } from 'chai';
import { assert, CodedError, hasCode, messageOf } from '../../../overlay/base/errors.js';

describe('coded errors', () => {
  it('are told apart by their code', () => {
    const error = new CodedError('full', 'no room: remove something', { bytes: 9 });
    expect(error).to.include({ code: 'full', name: 'CodedError' });
    expect(error.fields).to.deep.equal({ bytes: 9 });
    expect(hasCode(error)).to.equal(true);
    expect(hasCode(error, 'empty', 'full')).to.equal(true);
    expect(hasCode(error, 'empty')).to.equal(false);
    for (const other of [new Error('full'), { code: 'full' }, 'full', null]) {
      expect(hasCode(other)).to.equal(false);
    }
  });

  it('have the message of anything thrown', () => {
    expect(messageOf(new CodedError('a', 'what failed'))).to.equal('what failed');
    expect(messageOf('text')).to.equal('text');
    expect(messageOf(undefined)).to.equal('undefined');
  });

  it('do not include a wrong state of our own', () => {
    expect(() => {
      assert(false, 'the impossible');
    }).to.throw('assertion failed: the impossible');
    // Something that is merely truthy is a bug, too.
    expect(() => {
      assert('yes', 'a comparison');
    }).to.throw('a comparison');
    assert(true, 'nothing');
  });
});
