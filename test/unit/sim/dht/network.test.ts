/**
 * The failings of a real directory, each shown to be in the model, and that a seed fixes all of it.
 */
import { expect } from 'chai';
import { NONE, contactOf } from '../../../../sim/dht/contacts.js';
import { drawKadId } from '../../../../sim/dht/node-ids.js';
import { KAD_DHT, RECORD_AGE_MS_MAX, TEXTBOOK } from '../../../../sim/dht/parameters.js';
import { KadLab, nodesOf } from '../../../support/kad-lab.js';

const HOUR_MS = 3_600_000;

describe('KadNetwork', () => {
  it('lets a node find its place by one other', () => {
    const lab = new KadLab({ seed: 1, nodes: 40 });
    lab.grow();
    for (let node = 0; node < 40; node++) {
      const key = drawKadId(lab.rng);
      expect(nodesOf(lab.lookup(node, key, 8).nearest)).to.deep.equal(lab.truth(key, 8));
    }
  });

  it('tells whether the bootstrap node answered', () => {
    const lab = new KadLab({ seed: 2, nodes: 3 });
    const told: boolean[] = [];
    lab.network.join(0, NONE);
    lab.network.join(1, 0, (joined) => told.push(joined));
    lab.run(1_000);
    lab.network.leave(0);
    lab.network.join(2, 0, (joined) => told.push(joined));
    lab.run(1_999);
    expect(told, 'nobody knows yet').to.deep.equal([true]);
    lab.run(100);
    expect(told).to.deep.equal([true, false]);
    expect(lab.network.population.tables.sizeOf(2)).to.equal(0);
  });

  it('keeps a dead contact while its bucket has room, however long that is', () => {
    const lab = new KadLab({ seed: 3, nodes: 10 });
    lab.grow();
    const { population } = lab.network;
    expect(population.tables.find(0, 9)).to.not.equal(NONE);
    lab.network.leave(9);
    lab.run(6 * HOUR_MS);
    expect(population.tables.find(0, 9)).to.not.equal(NONE);
    expect(population.deadContacts(0)).to.equal(1);
    // What users look up is another matter: the host takes out whom it has asked in vain.
    const result = lab.lookup(0, drawKadId(lab.rng), 10);
    expect(result.tookMs).to.be.within(2_000, 5_500);
    expect(nodesOf(result.nearest)).to.not.include(9);
    expect(population.tables.find(0, 9)).to.equal(NONE);
  });

  it('evicts the oldest of a full bucket when a newcomer wants in and the oldest is silent', () => {
    const lab = new KadLab({
      seed: 4,
      nodes: 6,
      parameters: { ...TEXTBOOK, bucketSize: 4, prefixBitsMax: 0 },
    });
    const { tables } = lab.network.population;
    lab.network.join(0, NONE);
    for (const node of [1, 2, 3, 4]) {
      lab.network.join(node, 0);
      lab.run(1_000);
    }
    expect([1, 2, 3, 4].every((node) => tables.find(0, node) !== NONE)).to.equal(true);
    lab.network.join(5, 0);
    lab.run(1_000);
    expect(tables.find(0, 5), 'no room, and all the others live').to.equal(NONE);
    lab.network.leave(1);
    lab.network.leave(5);
    lab.run(11 * 60_000);
    expect(tables.find(0, 1), 'nobody wants in').to.not.equal(NONE);
    lab.network.join(5, 0);
    lab.run(10_000);
    expect(tables.find(0, 1)).to.equal(NONE);
    expect(tables.find(0, 5)).to.not.equal(NONE);
  });

  it('tells a restarted node from its dead self', () => {
    const lab = new KadLab({ seed: 5, nodes: 10 });
    lab.grow();
    const { population } = lab.network;
    lab.network.leave(9);
    lab.run(1_000);
    const before = population.contact(9);
    lab.network.join(9, 0);
    expect(population.contact(9)).to.equal(contactOf(9, 2));
    expect(population.answers(before)).to.equal(false);
    // Connecting to it is what tells node 0 of the new one.
    lab.run(10_000);
    expect(population.tables.find(0, 9)).to.equal(population.contact(9));
  });

  it('loses a record with those who held it: nobody copies it on', () => {
    const lab = new KadLab({ seed: 6, nodes: 60 });
    lab.grow();
    expect(lab.put(7, 1, 3).takers).to.equal(16);
    const { found } = lab.get(50, 1);
    expect(found.map(({ version }) => version)).to.deep.equal(found.map(() => 3));
    expect(found.length).to.be.at.least(16);
    for (const node of new Set([7, ...found.map(({ from }) => from)])) lab.network.leave(node);
    // Of those that are left, new ones are the nearest now, and never get it.
    lab.run(HOUR_MS);
    const left = lab.running();
    expect(left.length).to.be.greaterThan(30);
    for (const node of left) expect(lab.get(node, 1).found).to.deep.equal([]);
  });

  it('does not give a record back to a holder that restarts', () => {
    const lab = new KadLab({ seed: 7, nodes: 2 });
    lab.grow();
    expect(lab.put(0, 1, 3).takers).to.equal(1);
    for (const node of [0, 1]) lab.network.leave(node);
    lab.network.join(0, NONE);
    lab.network.join(1, 0);
    lab.run(5_000);
    expect(lab.get(0, 1).found).to.deep.equal([]);
  });

  it('forgets records after 48 hours', () => {
    const lab = new KadLab({ seed: 8, nodes: 5 });
    lab.grow();
    lab.put(3, 1, 3);
    lab.run(RECORD_AGE_MS_MAX - 60_000);
    expect(lab.get(4, 1).found).to.have.length(5);
    lab.run(120_000);
    expect(lab.get(4, 1).found).to.deep.equal([]);
  });

  it('keeps the better record, whoever writes last', () => {
    const lab = new KadLab({ seed: 9, nodes: 5 });
    lab.grow();
    expect(lab.put(0, 1, 5).takers).to.equal(4);
    expect(lab.put(1, 1, 4).takers).to.equal(0);
    expect(lab.put(2, 1, 6).takers).to.equal(4);
    expect(lab.get(3, 1).found.map(({ version }) => version)).to.deep.equal([6, 6, 6, 6, 6]);
  });

  it('finds the 8 nearest in nearly all lookups after 40 % of the nodes have stopped', () => {
    const lab = new KadLab({ seed: 10, nodes: 100 });
    lab.grow(600_000);
    for (let node = 0; node < 100; node++) if (lab.rng.float() < 0.4) lab.network.leave(node);
    const left = lab.running();
    expect(left.length).to.be.within(50, 70);
    let [exact, tookMs] = [0, 0];
    for (let index = 0; index < 60; index++) {
      const key = drawKadId(lab.rng);
      const result = lab.lookup(left[index % left.length]!, key, 8);
      tookMs = Math.max(tookMs, result.tookMs);
      if (nodesOf(result.nearest).join() === lab.truth(key, 8).join()) exact++;
    }
    // The notes on the real one have 14 of 15.
    expect(exact).to.be.at.least(54);
    expect(tookMs, 'some had to wait for the dead').to.be.greaterThan(2_000);
  });

  it('misses the youngest of a neighbourhood that is larger than a bucket, as kad-dht does', () => {
    const options = { seed: 11, nodes: 200 };
    const share = (lab: KadLab): number => {
      lab.grow();
      let found = 0;
      for (let index = 0; index < 40; index++) {
        const key = drawKadId(lab.rng);
        const told = new Set(nodesOf(lab.lookup(index, key, 8).nearest));
        found += lab.truth(key, 8).filter((node) => told.has(node)).length / 8;
      }
      return found / 40;
    };
    // Three bits for 200 nodes are what six bits are for 1,600.
    const coarse = { ...KAD_DHT, prefixBitsMax: 3 };
    expect(share(new KadLab({ ...options, parameters: coarse }))).to.be.within(0.5, 0.97);
    expect(share(new KadLab({ ...options, parameters: TEXTBOOK }))).to.be.greaterThan(0.99);
  });

  it('gets through losses, and waits for what was lost', () => {
    const lab = new KadLab({ seed: 12, nodes: 30 });
    lab.grow();
    lab.loss = 0.2;
    let [found, tookMs] = [0, 0];
    for (let node = 0; node < 30; node++) {
      const key = drawKadId(lab.rng);
      const result = lab.lookup(node, key, 8);
      const told = new Set(nodesOf(result.nearest));
      found += lab.truth(key, 8).filter((near) => told.has(near)).length / 8;
      tookMs += result.tookMs;
    }
    // A peer whose message is lost counts as dead: about a third of those asked.
    expect(found / 30).to.be.within(0.5, 0.85);
    expect(tookMs / 30).to.be.greaterThan(4_000);
  });

  it('counts messages and bytes on both sides', () => {
    const lab = new KadLab({ seed: 13, nodes: 2 });
    lab.network.join(0, NONE);
    lab.network.join(1, 0);
    lab.run(500);
    const [one, other] = [0, 1].map((node) => lab.network.population.traffic(node));
    expect(one).to.deep.include({ messagesSent: 1, messagesReceived: 1 });
    expect(one!.bytesSent).to.equal(other!.bytesReceived);
    expect(other!.bytesSent).to.equal(one!.bytesReceived);
    const before = lab.network.population.traffic(1).bytesReceived;
    lab.lookup(1, drawKadId(lab.rng), 2);
    expect(lab.network.population.traffic(1).bytesReceived).to.be.greaterThan(before);
  });

  it('leaves nothing behind when nodes go in the middle of what they do', () => {
    const lab = new KadLab({ seed: 14, nodes: 30 });
    lab.grow();
    for (let node = 0; node < 30; node++) {
      const key = drawKadId(lab.rng);
      lab.network.lookup(node, key, 8, 5_000, () => {
        throw new Error('a node that is gone has nobody to tell');
      });
    }
    expect(lab.network.running).to.be.at.least(30);
    lab.run(15);
    for (let node = 0; node < 30; node++) lab.network.leave(node);
    lab.run(60_000);
    expect(lab.network.running).to.equal(0);
  });

  it('repeats from a seed, event by event', () => {
    const run = (seed: number): readonly number[] => {
      const lab = new KadLab({ seed, nodes: 50, loss: 0.05 });
      lab.grow();
      for (let node = 0; node < 20; node++) lab.network.leave(2 * node);
      lab.lookup(1, lab.keyOf(1), 8);
      lab.run(HOUR_MS);
      return [lab.network.events, lab.network.fingerprint];
    };
    expect(run(15)).to.deep.equal(run(15));
    expect(run(15)).to.not.deep.equal(run(16));
  });
});
