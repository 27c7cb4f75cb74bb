import { expect } from 'chai';
import { Canceller } from '../../../overlay/base/signal.js';

describe('Canceller', () => {
  it('tells every listener once, and keeps its first reason', () => {
    const canceller = new Canceller();
    const told: string[] = [];
    canceller.signal.addEventListener('abort', () => told.push('a'));
    canceller.signal.addEventListener('abort', () => told.push('b'), { once: true });
    expect(canceller.signal.aborted).to.equal(false);
    canceller.abort('first');
    canceller.abort('second');
    expect(told).to.deep.equal(['a', 'b']);
    expect(canceller.signal.aborted).to.equal(true);
    expect(canceller.signal.reason).to.equal('first');
  });

  it('does not tell a listener that was taken away, also by another one', () => {
    const canceller = new Canceller();
    const told: string[] = [];
    const removed = (): number => told.push('removed');
    canceller.signal.addEventListener('abort', removed);
    canceller.signal.removeEventListener('abort', removed);
    canceller.abort('now');
    expect(told).to.deep.equal([]);
  });

  it('follows its parent, and not the other way round', () => {
    const parent = new Canceller();
    const child = new Canceller(parent.signal);
    const other = new Canceller(parent.signal);
    other.abort('own');
    expect(parent.signal.aborted).to.equal(false);
    parent.abort('from above');
    expect(child.signal.aborted).to.equal(true);
    expect(child.signal.reason).to.equal('from above');
    expect(other.signal.reason).to.equal('own');
  });

  it('is over from the start under a parent that is', () => {
    const parent = new Canceller();
    parent.abort('long ago');
    const child = new Canceller(parent.signal);
    expect(child.signal.aborted).to.equal(true);
    expect(child.signal.reason).to.equal('long ago');
  });

  it('lets go of its parent when told to', () => {
    const parent = new Canceller();
    const child = new Canceller(parent.signal);
    child.dispose();
    parent.abort('too late');
    expect(child.signal.aborted).to.equal(false);
  });

  it("follows the platform's own signals, and the platform's take it for one", () => {
    const platform = new AbortController();
    const child = new Canceller(platform.signal);
    platform.abort('by the platform');
    expect(child.signal.reason).to.equal('by the platform');
  });
});
