/** Contract of the `Interfaces` port: what has changed is there to be read by the time it is told. */
import { expect } from 'chai';
import type { Interfaces, NetworkInterface } from '../../overlay/ports.js';

export interface InterfacesWorld {
  readonly interfaces: Interfaces;
  /** False: all count as routed. */
  readonly knowsRoutes: boolean;
  /** Makes the machine have exactly these. */
  set(interfaces: readonly NetworkInterface[]): void;
  /** Resolves when what was set must have been told. */
  settle(): Promise<void>;
}

const ETHERNET: NetworkInterface = {
  ...{ name: 'card-a', index: 2, mtuBytes: 1500 },
  addresses: [
    { address: '192.0.2.1', prefixLength: 24 },
    { address: '2001:db8::1', prefixLength: 64 },
  ],
  ...{ routed4: true, routed6: true },
};
const WIRELESS: NetworkInterface = {
  ...{ name: 'card-b', index: 3, mtuBytes: 1500 },
  addresses: [{ address: '198.51.100.7', prefixLength: 25 }],
  ...{ routed4: true, routed6: true },
};
const RENUMBERED: NetworkInterface = {
  ...WIRELESS,
  addresses: [{ address: '198.51.100.8', prefixLength: 25 }],
};

/** @param open a machine that has no interface but loopback. */
export function interfacesContract(open: () => InterfacesWorld): void {
  let world: InterfacesWorld;
  let interfaces: Interfaces;

  beforeEach(() => {
    world = open();
    interfaces = world.interfaces;
  });

  afterEach(() => {
    interfaces.close();
  });

  /** What was current each time something was told. */
  function told(): { readonly lists: (readonly NetworkInterface[])[]; readonly end: () => void } {
    const lists: (readonly NetworkInterface[])[] = [];
    return { lists, end: interfaces.watch(() => lists.push(interfaces.current())) };
  }

  async function change(...list: readonly NetworkInterface[]): Promise<void> {
    world.set(list);
    await world.settle();
  }

  it('lists what there is, by index, with addresses', async () => {
    expect(interfaces.current()).to.deep.equal([]);
    await change(ETHERNET, WIRELESS);
    expect(interfaces.current()).to.deep.equal([ETHERNET, WIRELESS]);
  });

  it('tells each change once, with the new list in place', async () => {
    const { lists } = told();
    const steps = [[ETHERNET], [ETHERNET, WIRELESS], [ETHERNET, RENUMBERED], [RENUMBERED], []];
    for (const step of steps) await change(...step);
    expect(lists).to.deep.equal(steps);
  });

  it('tells that gateways came or went, of each family, if it knows of them', async () => {
    await change(ETHERNET, WIRELESS);
    const { lists } = told();
    const steps = [
      [ETHERNET, { ...WIRELESS, routed4: false }],
      [{ ...ETHERNET, routed6: false }, WIRELESS],
      [ETHERNET, WIRELESS],
    ];
    for (const step of steps) await change(...step);
    expect(lists).to.deep.equal(world.knowsRoutes ? steps : []);
  });

  it('tells nothing when nothing has changed', async () => {
    await change(ETHERNET);
    const { lists } = told();
    await change({ ...ETHERNET });
    expect(lists).to.deep.equal([]);
  });

  it('does not change a list that it gave out', async () => {
    await change(ETHERNET);
    const before = interfaces.current();
    await change(WIRELESS);
    expect(before).to.deep.equal([ETHERNET]);
  });

  it('tells all who watch, each until its end', async () => {
    const first = told();
    const second = told();
    await change(ETHERNET);
    first.end();
    first.end();
    await change(WIRELESS);
    expect(first.lists).to.have.length(1);
    expect(second.lists).to.have.length(2);
  });

  it('tells nobody whose watch ended a moment before', async () => {
    const others: (() => void)[] = [];
    interfaces.watch(() => {
      for (const end of others) end();
    });
    const { lists, end } = told();
    others.push(end);
    await change(ETHERNET);
    expect(lists).to.deep.equal([]);
  });

  it('can be closed by who is told, and tells nothing after', async () => {
    const { lists } = told();
    interfaces.watch(() => {
      interfaces.close();
    });
    await change(ETHERNET);
    await change(WIRELESS);
    expect(lists).to.have.length(1);
    interfaces.close();
    expect(interfaces.current()).to.deep.equal([ETHERNET]);
  });
}
