/**
 * One libp2p host behind the ports. It is created stopped, so that record kinds, request handlers and
 * stream handlers are in place before the first peer can connect.
 */
import './polyfill.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import type { Directory, Logger, Rpc, Streams, Swarm } from '../../../overlay/ports.js';
import { ipsOf } from './addresses.js';
import { Libp2pStreams } from './byte-streams.js';
import { ConnectionBook } from './connection-book.js';
import { Dialler } from './dialler.js';
import { Libp2pDirectory, RecordBook } from './directory.js';
import { Gatekeeper } from './gatekeeper.js';
import type { HostErrorCode, HostOptions } from './host-options.js';
import { ADDRESS_CHECK_MS } from './limits.js';
import { dialDiscovered } from './local-discovery.js';
import { buildNode, type BuiltNode } from './node-builder.js';
import { RelayKeeper } from './relays.js';
import { RequestChannels } from './rpc-client.js';
import { Libp2pRpc } from './rpc.js';
import { Libp2pSwarm } from './swarm.js';

/** Protocols for those who do not know yet which network answers: open networks tell their rules. */
const OPEN_RPC_PROTOCOL = '/overlay/open/rpc/1';

export interface Host {
  readonly rpc: Rpc;
  /** Requests outside any network. */
  readonly openRpc: Rpc;
  readonly directory: Directory;
  readonly swarm: Swarm;
  readonly streams: Streams;
  /** @throws CodedError `cannot-listen`; `stop` must still be called. */
  start(): Promise<void>;
  /** Closes all connections and releases the port. */
  stop(): Promise<void>;
  /**
   * Tells that `peer` has become a member. Only needed when that took longer than the gate waits for
   * it: the directory and the relay client have given up on the peer by then.
   */
  admit(peer: PeerId): void;
}

class Libp2pHost implements Host {
  readonly rpc: Rpc;
  readonly openRpc: Rpc;
  readonly directory: Libp2pDirectory;
  readonly swarm: Swarm;
  readonly streams: Streams;
  readonly #built: BuiltNode;
  readonly #logger: Logger;
  readonly #relays: RelayKeeper;
  readonly #setUp: Promise<unknown>[] = [];
  #addressTimer: NodeJS.Timeout | null = null;
  #announced = '';

  constructor(built: BuiltNode, options: HostOptions, book: ConnectionBook, rules: RecordBook) {
    const { libp2p, self } = built;
    const { gate, logger } = options;
    this.#built = built;
    this.#logger = logger;
    const prefix = `/overlay/${options.networkId}`;
    const channels = new RequestChannels(`${prefix}/rpc/1`);
    const dialler = new Dialler({ libp2p, book, self, gate, channels });
    const beforeStart = (work: Promise<unknown>): void => {
      work.catch(() => undefined);
      this.#setUp.push(work);
    };
    const shared = { self, gate, logger, libp2p, book, dialler, beforeStart };
    this.rpc = new Libp2pRpc({ ...shared, channels });
    const openChannels = new RequestChannels(OPEN_RPC_PROTOCOL);
    this.openRpc = new Libp2pRpc({ ...shared, channels: openChannels });
    this.streams = new Libp2pStreams({ ...shared, prefix: `${prefix}/stream/` });
    const filter = options.addressFilter ?? (() => true);
    this.swarm = new Libp2pSwarm({
      ...shared,
      dialable: (address) => ipsOf(address).every((ip) => filter(ip)),
    });
    this.directory = new Libp2pDirectory({
      ...shared,
      rules,
      learn: (peer, addresses) => this.swarm.learn(peer, addresses),
      dht: built.dht,
      table: built.routingTable,
    });
    this.#relays = new RelayKeeper({
      self,
      gate,
      logger,
      libp2p,
      book,
      store: built.reservations,
      onChange: () => {
        this.#announceChanges();
      },
    });
    built.setRelayedAddresses(() => this.#relays.addresses());
    if (built.discovery !== null) {
      dialDiscovered(built.discovery, { self, libp2p, swarm: this.swarm, logger });
    }
  }

  async start(): Promise<void> {
    await Promise.all(this.#setUp);
    try {
      await this.#built.libp2p.start();
    } catch (error) {
      throw new CodedError<HostErrorCode>(
        'cannot-listen',
        'the node cannot listen: another program may be using its port',
        { cause: messageOf(error) },
      );
    }
    this.#relays.start();
    this.#announceChanges();
    // Interfaces come and go while the node runs; libp2p looks at them only when it starts to listen.
    this.#addressTimer = setInterval(() => {
      this.#announceChanges();
    }, ADDRESS_CHECK_MS);
  }

  async stop(): Promise<void> {
    this.#relays.stop();
    if (this.#addressTimer !== null) clearInterval(this.#addressTimer);
    this.#addressTimer = null;
    await this.#built.libp2p.stop();
  }

  admit(peer: PeerId): void {
    this.#relays.check();
    this.directory.admit(peer).catch((error: unknown) => {
      this.#logger.debug('a new member is not in the routing table', {
        peer,
        why: messageOf(error),
      });
    });
  }

  /** Stores the own addresses if they changed; libp2p then pushes them to all connected peers. */
  #announceChanges(): void {
    const { libp2p } = this.#built;
    if (libp2p.status !== 'started') return;
    const own = `/p2p/${this.#built.self}`;
    const addresses = libp2p.getMultiaddrs();
    const summary = addresses.join(' ');
    if (summary === this.#announced) return;
    this.#announced = summary;
    const multiaddrs = addresses.map((address) => address.decapsulate(own));
    libp2p.peerStore.patch(libp2p.peerId, { multiaddrs }).catch((error: unknown) => {
      this.#logger.warn('own addresses cannot be stored', { why: messageOf(error) });
    });
  }
}

/**
 * Creates a stopped host.
 * @throws CodedError<HostErrorCode> for an unusable key or address
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const book = new ConnectionBook(options.gate);
  const rules = new RecordBook();
  const prefix = `/overlay/${options.networkId}`;
  const gatekeeper = new Gatekeeper({
    gate: options.gate,
    addressFilter: options.addressFilter ?? (() => true),
    selfChecked: (protocol) =>
      protocol === `${prefix}/rpc/1` ||
      protocol.startsWith(`${prefix}/stream/`) ||
      protocol === OPEN_RPC_PROTOCOL,
  });
  const built = await buildNode(options, gatekeeper, rules.choose);
  book.follow(built.libp2p);
  return new Libp2pHost(built, options, book, rules);
}
