/**
 * A node's life in the foreground: puts the real ports together, runs the node over them until a
 * signal, a verb or a fatal refusal ends it, and takes everything down again in the right order.
 */
import { mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CodedError, hasCode, messageOf } from '../../overlay/base/errors.js';
import { Roster } from '../../overlay/peers/roster.js';
import { WITNESS_GRACE_MS } from '../../dhcp/terms.js';
import { startAdmin } from '../admin/server.js';
import type { AdminTarget } from '../admin/target.js';
import { packageVersion } from '../cli/package-version.js';
import { serveGenesis } from '../io/libp2p/genesis.js';
import { createHost, type Host } from '../io/libp2p/host.js';
import { LevelStore } from '../io/level-store.js';
import { NodeClock } from '../io/node-clock.js';
import { NodeCrypto } from '../io/node-crypto.js';
import { NodeRng } from '../io/node-rng.js';
import { StateDir } from '../io/state/state-dir.js';
import { cachingCrypto } from '../node/caching-crypto.js';
import { Facade } from '../node/facade.js';
import type { NodeIdentity } from '../node/identity.js';
import { OverlayNode } from '../node/node.js';
import { SchedulingChoices } from '../node/scheduling-choices.js';
import { TrustGate } from '../node/trust.js';
import { Closers } from './closers.js';
import { openDevice } from './device.js';
import { overlayFilter } from './filter.js';
import { interfaceLookup } from './interfaces.js';
import { openMultipath } from './multipath.js';
import type { RunOptions } from './options.js';
import { networkFor, type RequestedNetwork } from './request-network.js';
import type { RunRequest, RunUi } from './request.js';
import { identityOf, toState } from './stored-network.js';

/** A second signal ends the process at once; the first one gets this long. */
const STOP_TIMEOUT_MS = 10_000;
/** Invites printed by `create` are for the next machines of the same evening. */
const FIRST_INVITE_EXPIRES_MS = 24 * 3_600_000;
const DATA_DIRECTORY = 'data';

/** See `RunNode`. */
export async function runNode(
  request: RunRequest,
  options: RunOptions,
  ui: RunUi,
): Promise<number> {
  const closers = new Closers(ui.logger);
  const ending = new Ending();
  const releaseSignals = takeSignals(ending);
  try {
    const run = new Run(request, options, ui, closers, ending);
    await run.start();
    await ending.reached;
    if (ending.failure !== null) throw ending.failure;
    return 0;
  } finally {
    // A closed terminal must not keep a node half alive.
    const giveUp = setTimeout(() => process.exit(1), STOP_TIMEOUT_MS);
    giveUp.unref();
    await closers.run();
    clearTimeout(giveUp);
    releaseSignals();
  }
}

/** How a run comes to its end: asked to, or by a failure. */
class Ending {
  readonly reached: Promise<void>;
  failure: CodedError | null = null;
  readonly #abort = new AbortController();

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#abort.signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  ask(): void {
    this.#abort.abort();
  }

  fail(error: CodedError): void {
    if (this.signal.aborted) return;
    this.failure = error;
    this.ask();
  }
}

function takeSignals(ending: Ending): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (): void => {
    if (ending.signal.aborted) process.exit(1);
    ending.ask();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

class Run {
  readonly #request: RunRequest;
  readonly #options: RunOptions;
  readonly #ui: RunUi;
  readonly #closers: Closers;
  readonly #ending: Ending;
  readonly #scheduling: SchedulingChoices;
  readonly #clock = new NodeClock();
  readonly #rng = new NodeRng();
  readonly #crypto = cachingCrypto(new NodeCrypto());

  constructor(
    request: RunRequest,
    options: RunOptions,
    ui: RunUi,
    closers: Closers,
    ending: Ending,
  ) {
    this.#request = request;
    this.#options = options;
    this.#ui = ui;
    this.#closers = closers;
    this.#ending = ending;
    this.#scheduling = new SchedulingChoices(options);
  }

  async start(): Promise<void> {
    const { logger } = this.#ui;
    const state = await StateDir.open(this.#options.stateDir);
    const secretKey = await state.identitySeed();
    const requested = await networkFor(this.#request, {
      state,
      secretKey,
      clock: this.#clock,
      rng: this.#rng,
      crypto: this.#crypto,
      logger,
      ui: this.#ui,
      signal: this.#ending.signal,
    });
    const identity = identityOf(requested.kit, secretKey, this.#crypto);
    const { networkId } = identity;
    // Data of one network never meets that of another.
    const dataPath = join(state.path, DATA_DIRECTORY, networkId);
    const roster = new Roster({ graceMs: WITNESS_GRACE_MS });
    const { self } = identity;
    const gate = new TrustGate({ self, roster, clock: this.#clock, logger });
    const store = await this.#openStore(dataPath);
    const device = await openDevice(this.#options, logger);
    if (device !== null) this.#closers.add('device', () => device.close());
    const multipath = await openMultipath({
      options: this.#options,
      identity,
      device,
      scheduling: this.#scheduling,
      clock: this.#clock,
      logger,
      closers: this.#closers,
    });
    const host = await this.#createHost(identity, gate);
    const { rpc, directory, swarm, streams } = host;
    const node = new OverlayNode(
      identity,
      {
        clock: this.#clock,
        rng: this.#rng,
        crypto: this.#crypto,
        ...{ rpc, directory, swarm, streams, store, logger, device, multipath },
      },
      { roster, gate },
      {
        name: this.#options.name ?? hostname(),
        founder: this.#request.kind === 'create',
        bootstrap: requested.kit.bootstrap,
        mtu: this.#options.mtu,
        version: packageVersion(),
        admitted: (peer) => {
          host.admit(peer);
        },
        failed: (error) => {
          this.#ending.fail(error);
        },
      },
    );
    // What was learnt on the way to a network that did not take this node in is of no use later.
    this.#closers.addFirst('data of a failed join', async () => {
      if (requested.fresh && !node.admitted) await rm(dataPath, { recursive: true, force: true });
    });
    await node.prepare();
    await this.#serve(node, host, state, requested, dataPath);
  }

  async #openStore(dataPath: string): Promise<LevelStore> {
    await mkdir(dataPath, { recursive: true, mode: 0o700 });
    const store = await LevelStore.open(join(dataPath, 'node')).catch((error: unknown) => {
      if (!hasCode(error, 'store-locked')) throw error;
      throw new CodedError(
        'already-running',
        'a node is already running on this state: overlay status shows it, overlay down stops it',
      );
    });
    this.#closers.add('store', () => store.close());
    return store;
  }

  async #createHost(identity: NodeIdentity, gate: TrustGate): Promise<Host> {
    const port = String(this.#options.listenPort);
    const host = await createHost({
      secretKeySeed: identity.secretKey,
      networkId: identity.networkId,
      psk: identity.psk,
      listen: [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`],
      relay: this.#options.relay,
      mdns: this.#options.mdns,
      gate,
      logger: this.#ui.logger,
      addressFilter: overlayFilter(identity, this.#options),
    });
    this.#closers.add('host', () => host.stop());
    return host;
  }

  /** Opens the admin socket, starts host and node, and reports until the node is ready. */
  async #serve(
    node: OverlayNode,
    host: Host,
    state: StateDir,
    requested: RequestedNetwork,
    dataPath: string,
  ): Promise<void> {
    const { logger } = this.#ui;
    const facade = new Facade(node, {
      scheduling: this.#scheduling,
      interfaceOf: interfaceLookup(this.#options),
    });
    const admin = await startAdmin(
      state.socketPath,
      this.#target(node, facade, state, dataPath),
      logger,
    );
    this.#closers.add('node', () => node.stop());
    // Registered so that the socket goes last: `overlay down` waits for that.
    this.#closers.addFirst('admin socket', () => admin.close());
    if (node.identity.genesis.open) serveGenesis(host, node.identity.genesis.bytes);
    await host.start();
    node.start();
    const store = new Once(async () => {
      if (requested.fresh) await state.writeNetwork(toState(requested.kit));
    });
    if (this.#request.kind === 'create') await store.run();
    this.#report(node, facade, store);
  }

  #report(node: OverlayNode, facade: Facade, store: Once): void {
    let told: string | null = null;
    let readyTold = false;
    const look = (): void => {
      if (this.#ending.signal.aborted || readyTold) return;
      if (node.admitted)
        store.run().catch((error: unknown) => {
          this.#ending.fail(new CodedError('state', messageOf(error)));
        });
      const status = facade.status();
      if (status.ready) {
        readyTold = true;
        unwatch();
        this.#ui.ready(status);
        if (this.#request.kind === 'create') void this.#firstInvite(facade);
      } else if (status.waitingFor !== told) {
        told = status.waitingFor;
        this.#ui.progress(`waiting for ${told ?? 'the network'}`);
      }
    };
    // Many things change in the same moment; one look at the end of it is enough.
    let due = false;
    const unwatch = node.watch(() => {
      if (due) return;
      due = true;
      setImmediate(() => {
        due = false;
        look();
      });
    });
    look();
  }

  async #firstInvite(facade: Facade): Promise<void> {
    try {
      const { invite } = await facade.createInvite({
        uses: 0,
        expiresInMs: FIRST_INVITE_EXPIRES_MS,
        roles: [],
      });
      if (invite !== null) this.#ui.invite(invite);
    } catch (error) {
      this.#ui.notice(`no invite could be made yet (${messageOf(error)}): try overlay invite`);
    }
  }

  #target(node: OverlayNode, facade: Facade, state: StateDir, dataPath: string): AdminTarget {
    const ending = this.#ending;
    return {
      status: () => facade.status(),
      peers: () => facade.peers(),
      leases: () => facade.leases(),
      members: () => facade.members(),
      whois: (query, signal) => facade.whois(query, signal),
      ping: (query, options, signal) => facade.ping(query, options, signal),
      createInvite: (request) => facade.createInvite(request),
      listInvites: () => facade.listInvites(),
      revokeInvite: (id) => facade.revokeInvite(id),
      setScheduling: (request, signal) => facade.setScheduling(request, signal),
      watch: (onChange) => facade.watch(onChange),
      stop: () => {
        ending.ask();
      },
      leave: async () => {
        await node.release();
        await state.forgetNetwork();
        // After everything that writes there has closed.
        this.#closers.addFirst('data', () => rm(dataPath, { recursive: true, force: true }));
      },
    };
  }
}

/** Work done at most once, however often it is asked for. */
class Once {
  readonly #work: () => Promise<void>;
  #done: Promise<void> | null = null;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  run(): Promise<void> {
    this.#done ??= this.#work();
    return this.#done;
  }
}
