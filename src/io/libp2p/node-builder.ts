/** Puts the libp2p node together. Every option that departs from libp2p's default says why. */
import './polyfill.js';
import { noise } from '@chainsafe/libp2p-noise';
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { identify, identifyPush } from '@libp2p/identify';
import type {
  Connection,
  Libp2p,
  PeerDiscovery,
  PeerId as Libp2pPeerId,
  Transport,
} from '@libp2p/interface';
import { kadDHT, passthroughMapper, type KadDHT } from '@libp2p/kad-dht';
import { mdns } from '@libp2p/mdns';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { ping, type Ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import { concatBytes } from '../../../overlay/base/bytes.js';
import { CodedError, assert } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { DIRECTORY_REPLICAS } from '../../../overlay/host-limits.js';
import { NodeCrypto } from '../node-crypto.js';
import { announcedAddresses, compareDialAddresses } from './addresses.js';
import type { RoutingTable } from './directory.js';
import type { Gatekeeper } from './gatekeeper.js';
import type { HostErrorCode, HostOptions } from './host-options.js';
import * as limits from './limits.js';
import { gatheringYamux } from './muxer.js';
import { serviceTagOf } from './local-discovery.js';
import { fromLibp2p, parseMultiaddr } from './peer-ids.js';
import { networkKey } from './network-key.js';
import { quietLogger } from './quiet-logger.js';
import { keepBetterRecords, type Datastore, type RecordChooser } from './record-store.js';
import type { ReservationStore } from './relays.js';

const PSK_BYTES = 32;
const SEED_BYTES = 32;

export interface BuiltNode {
  readonly libp2p: Libp2p;
  readonly self: PeerId;
  readonly dht: KadDHT;
  readonly routingTable: RoutingTable;
  readonly reservations: ReservationStore;
  readonly discovery: PeerDiscovery | null;
  setRelayedAddresses(source: () => readonly Multiaddr[]): void;
}

function checked(addresses: readonly string[]): readonly Multiaddr[] {
  return addresses.map((text) => {
    const address = parseMultiaddr(text);
    if (address !== null) return address;
    throw new CodedError<HostErrorCode>('bad-options', `"${text}" is not a multiaddr`);
  });
}

/** What is only known once libp2p has made its parts. */
interface Captured {
  reservations: ReservationStore | null;
  discovery: PeerDiscovery | null;
  listening: () => readonly Multiaddr[];
  relayed: () => readonly Multiaddr[];
}

/** The components libp2p hands to factories, as far as they are touched here. */
interface Components {
  readonly ping: Ping;
  readonly datastore: Datastore;
  readonly registrar: Parameters<Gatekeeper['guardProtocols']>[0];
  readonly transportManager: { getAddrs(): Multiaddr[] };
  readonly connectionManager: { getConnections(peer: Libp2pPeerId): Connection[] };
}

function transports(options: HostOptions, captured: Captured): Libp2pOptions['transports'] {
  const relayTransport = circuitRelayTransport({
    reservationCompletionTimeout: limits.RELAY_RESERVE_MS,
  });
  return [
    ...((options.transports ?? [
      // `timeout` reaches net.connect although the type does not name it: it bounds the handshake
      // alone, so that dead addresses cost little and slow upgrades still pass.
      tcp({ dialOpts: { timeout: limits.CONNECT_MS } as object }),
    ]) as ((components: unknown) => Transport)[]),
    (components: Parameters<typeof relayTransport>[0]): Transport => {
      const transport = relayTransport(components);
      captured.reservations = (
        transport as unknown as { reservationStore: ReservationStore }
      ).reservationStore;
      return transport;
    },
  ] as NonNullable<Libp2pOptions['transports']>;
}

const isOpen = (connection: Connection): boolean => connection.status === 'open';

/** The directory's components: a ping that asks the gate too, and a store that keeps better records. */
function directoryComponents(
  components: Components,
  gatekeeper: Gatekeeper,
  choose: RecordChooser,
): object {
  return Object.create(components, {
    ping: {
      value: gatekeeper.guardPing(
        () => components.ping,
        (peer) => components.connectionManager.getConnections(peer).some(isOpen),
      ),
    },
    datastore: { value: keepBetterRecords(components.datastore, choose) },
  }) as object;
}

function services(
  options: HostOptions,
  gatekeeper: Gatekeeper,
  choose: RecordChooser,
  captured: Captured,
): object {
  const dht = kadDHT({
    protocol: `/overlay/${options.networkId}/kad/1.0.0`,
    // The default is to serve only once a public address is confirmed, which never happens here.
    clientMode: false,
    // The default drops private addresses, the only ones many networks have.
    peerInfoMapper: passthroughMapper,
    kBucketSize: DIRECTORY_REPLICAS,
    alpha: limits.KAD_ALPHA,
    // One path is enough among certified members, and it makes the end of a lookup visible.
    disjointPaths: 1,
    networkDialTimeout: {
      minTimeout: limits.KAD_MESSAGE_MS_MIN,
      maxTimeout: limits.KAD_MESSAGE_MS_MAX,
    },
    // The first member of a network must be able to look things up alone.
    allowQueryWithZeroPeers: true,
  });
  const relayServer = circuitRelayServer({
    // The defaults, 15 peers and 128 KiB each, are meant for strangers.
    reservations: { applyDefaultLimit: false, maxReservations: limits.RELAY_RESERVATIONS_MAX },
    maxInboundHopStreams: limits.RELAY_RESERVATIONS_MAX,
    maxOutboundHopStreams: limits.RELAY_RESERVATIONS_MAX,
    maxOutboundStopStreams: limits.RELAY_RESERVATIONS_MAX,
  });
  return {
    gate: (components: Components): object => {
      gatekeeper.guardProtocols(components.registrar);
      captured.listening = () => components.transportManager.getAddrs();
      return {};
    },
    identify: identify({ maxInboundStreams: 4, maxOutboundStreams: 4 }),
    identifyPush: identifyPush({ maxInboundStreams: 4, maxOutboundStreams: 4 }),
    ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
    dht: (components: Components): unknown =>
      dht(directoryComponents(components, gatekeeper, choose) as Parameters<typeof dht>[0]),
    ...(options.relay ? { relay: relayServer } : {}),
  };
}

function libp2pOptions(
  options: HostOptions,
  gatekeeper: Gatekeeper,
  choose: RecordChooser,
  self: PeerId,
  captured: Captured,
): Libp2pOptions {
  const announced = checked(options.announce ?? []);
  const filter = options.addressFilter ?? (() => true);
  const discovery = mdns({ serviceTag: serviceTagOf(options.networkId) });
  const discoveries = options.mdns
    ? [
        (components: Parameters<typeof discovery>[0]): PeerDiscovery => {
          captured.discovery = discovery(components);
          return captured.discovery;
        },
      ]
    : [];
  return {
    start: false,
    addresses: {
      listen: checked(options.listen).map((address) => address.toString()),
      announceFilter: () =>
        announcedAddresses(
          { announced, listening: captured.listening(), relayed: captured.relayed() },
          filter,
        ).map((address) => address.encapsulate(`/p2p/${self}`)),
    },
    transports: transports(options, captured) ?? [],
    connectionEncrypters: [noise()],
    streamMuxers: [
      gatheringYamux({ streamOptions: { maxStreamWindowSize: limits.STREAM_WINDOW_BYTES_MAX } }),
    ],
    ...(options.psk === null ? {} : { connectionProtector: networkKey(options.psk) }),
    connectionGater: gatekeeper.connectionGater(),
    connectionManager: {
      maxConnections: limits.CONNECTIONS_MAX,
      inboundConnectionThreshold: limits.INBOUND_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: limits.INBOUND_PENDING_MAX,
      inboundUpgradeTimeout: limits.INBOUND_UPGRADE_MS,
      addressDialTimeout: limits.ADDRESS_DIAL_MS,
      addressSorter: compareDialAddresses,
    },
    connectionMonitor: {
      pingInterval: limits.PROBE_INTERVAL_MS,
      pingTimeout: { minTimeout: limits.PROBE_MIN_MS, maxTimeout: limits.PROBE_MAX_MS },
    },
    // By default addresses are forgotten an hour after they were first seen, refreshed or not, and a
    // host that was away for an evening would know nobody.
    peerStore: { maxAddressAge: Infinity, maxPeerAge: limits.PEER_AGE_MS_MAX },
    peerDiscovery: discoveries,
    services: services(options, gatekeeper, choose, captured) as NonNullable<
      Libp2pOptions['services']
    >,
    logger: quietLogger(options.logger),
  };
}

/** @throws CodedError<HostErrorCode> */
export async function buildNode(
  options: HostOptions,
  gatekeeper: Gatekeeper,
  choose: RecordChooser,
): Promise<BuiltNode> {
  if (options.psk !== null && options.psk.length !== PSK_BYTES) {
    throw new CodedError<HostErrorCode>('bad-options', 'a pre-shared key has 32 bytes');
  }
  if (options.secretKeySeed.length !== SEED_BYTES) {
    throw new CodedError<HostErrorCode>('bad-options', 'the seed of a key has 32 bytes');
  }
  const captured: Captured = {
    reservations: null,
    discovery: null,
    listening: () => [],
    relayed: () => [],
  };
  // libp2p would derive the public key in JavaScript, which takes 30 ms of every start.
  const { secretKey, publicKey } = new NodeCrypto().keyPair(options.secretKeySeed);
  const privateKey = privateKeyFromRaw(concatBytes(secretKey, publicKey));
  const self = fromLibp2p(peerIdFromPrivateKey(privateKey));
  assert(self !== null, 'an Ed25519 key has an Ed25519 peer id');
  const init = libp2pOptions(options, gatekeeper, choose, self, captured);
  const libp2p = await createLibp2p({ ...init, privateKey });
  assert(captured.reservations !== null, 'libp2p makes its transports when it is built');
  const { dht } = libp2p.services as { dht: KadDHT };
  return {
    libp2p,
    self,
    dht,
    routingTable: (dht as unknown as { routingTable: RoutingTable }).routingTable,
    reservations: captured.reservations,
    discovery: captured.discovery,
    setRelayedAddresses: (source) => {
      captured.relayed = source;
    },
  };
}
