/**
 * Everything the pure code may ask of the world. Real hosts implement these in `src/io`, virtual
 * hosts in `sim`; one contract suite runs against both. All are small on purpose, and batch-shaped
 * where packets pass.
 */
import type { PeerId } from './base/peer-id.js';
import type { Signal } from './base/signal.js';

export interface Clock {
  /** Monotonic milliseconds; origin unspecified. All terms and timeouts are measured with it. */
  now(): number;
  /** Unix milliseconds, for people and for dates in certificates. Never compared between hosts. */
  wallNow(): number;
  /** Calls `fn` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, fn: () => void): () => void;
}

export interface Rng {
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1). */
  float(): number;
}

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32-byte seed. */
  readonly secretKey: Uint8Array;
}

export interface Crypto {
  sha256(data: Uint8Array): Uint8Array;
  /** Ed25519 (RFC 8032) key pair from a 32-byte seed. */
  keyPair(seed: Uint8Array): KeyPair;
  /** 64-byte Ed25519 signature. */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** False for any malformed key or signature; never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** What two ends of a link need to agree on keys. */
export interface KeyAgreement {
  /** X25519 public key (RFC 7748) of 32 secret bytes. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** 32 shared bytes, or null for a public key that is none or gives away the result. */
  agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
  /** HKDF-SHA256 (RFC 5869), extract and expand. */
  hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Uint8Array;
}

export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Small durable key-value store. A resolved write has reached the disk (fsync). */
export interface Store {
  get(key: string): Promise<Uint8Array | null>;
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** All entries whose key starts with `prefix`, in key order. */
  list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]>;
}

/**
 * How far a peer is trusted. `denied`: refused for good (revoked, forged certificate); `unknown`:
 * nothing proven yet; `guest`: holds a valid invite but no admission yet; `member`: certified.
 */
export type Trust = 'denied' | 'unknown' | 'guest' | 'member';

/**
 * The node's judgement over peers, given to the host at start. The host asks before it serves or
 * sends anything, so that a stranger gets no further than the membership exchange.
 */
export interface Gate {
  trust(peer: PeerId): Trust;
  /** Waits for a running membership exchange with `peer`, at most `timeoutMs`. */
  settled(peer: PeerId, timeoutMs: number): Promise<Trust>;
  /** The peer sent something malformed or hostile. Enough of it cuts the peer off for a while. */
  misbehaved(peer: PeerId, what: string): void;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: Signal;
}

/** Codes of the `CodedError` that `Rpc.request` and `Streams.open` throw. */
export type RpcErrorCode =
  | 'unreachable' // no connection, and none could be made
  | 'stranger' // somebody answers, but not with the network's key, or not as who was asked for
  | 'timeout'
  | 'refused' // the other side does not serve us, or its handler failed
  | 'untrusted' // the other side is not a proven member
  | 'too-large'
  | 'aborted';

/** Serves one request. A thrown error reaches the requester as `refused`, without its text. */
export type RpcHandler = (from: PeerId, request: Uint8Array) => Promise<Uint8Array>;

export interface ServeOptions {
  /** Least trust a requester needs. `unknown` serves anyone who is not denied. */
  readonly trust: Exclude<Trust, 'denied'>;
  readonly requestBytesMax: number;
}

/** Requests and responses of bounded size. */
export interface Rpc {
  readonly self: PeerId;
  /**
   * @param protocol short name such as `claim/1`; the host adds the network's prefix.
   * @throws CodedError<RpcErrorCode>
   */
  request(
    to: PeerId,
    protocol: string,
    request: Uint8Array,
    options: RequestOptions & { readonly trust?: Exclude<Trust, 'denied'> },
  ): Promise<Uint8Array>;
  serve(protocol: string, options: ServeOptions, handler: RpcHandler): void;
}

/** One value found in the directory, and who returned it. */
export interface DirectoryValue {
  readonly from: PeerId;
  readonly value: Uint8Array;
}

/** Judges and ranks the records of one kind; `key` is the part after the kind. */
export interface RecordRules {
  /** False: the record is refused and never stored or returned. */
  validate(key: Uint8Array, value: Uint8Array): boolean;
  /** Index of the best of several valid values. */
  select(key: Uint8Array, values: readonly Uint8Array[]): number;
}

/**
 * The distributed hash table, used for routing (`closest`), for publishing finished records and for
 * finding providers. It is no atomic store: winning an address never relies on `put`.
 */
export interface Directory {
  /**
   * Up to `count` live peers nearest to sha256(key) by XOR, nearest first, this node included where it belongs.
   * Returns what it has when the time is over.
   */
  closest(key: Uint8Array, count: number, options: RequestOptions): Promise<readonly PeerId[]>;
  /** Kinds must be registered before `start`. */
  register(kind: string, rules: RecordRules): void;
  /** Resolves with the number of peers that took the record; 0 when nobody is connected. */
  put(kind: string, key: Uint8Array, value: Uint8Array, options: RequestOptions): Promise<number>;
  /** Valid values found, best (by the kind's rules) first; empty if none. Never throws but on abort. */
  get(kind: string, key: Uint8Array, options: RequestOptions): Promise<readonly DirectoryValue[]>;
  provide(key: Uint8Array, options: RequestOptions): Promise<void>;
  providers(key: Uint8Array, options: RequestOptions): Promise<readonly PeerId[]>;
}

/** One live connection to a peer. */
export interface ConnectionFacts {
  readonly peer: PeerId;
  /** Transport address of this side and of the other, as multiaddr text. */
  readonly local: string;
  readonly remote: string;
  /** The relaying peer, or null when direct. */
  readonly relay: PeerId | null;
  readonly direction: 'inbound' | 'outbound';
}

/** Connections to peers: made, watched and cut. */
export interface Swarm {
  readonly self: PeerId;
  /** Own addresses to give to others, as multiaddr text ending in `/p2p/<self>`. */
  addresses(): readonly string[];
  connections(): readonly ConnectionFacts[];
  /** Remembers addresses of a peer for later dials. Garbage is ignored. */
  learn(peer: PeerId, addresses: readonly string[]): Promise<void>;
  /** Addresses under which a peer can be dialled, as far as known. */
  addressesOf(peer: PeerId): Promise<readonly string[]>;
  /** Connects to a known peer, or to a multiaddr text. @throws CodedError<RpcErrorCode> */
  dial(target: PeerId | string, options: RequestOptions): Promise<PeerId>;
  hangUp(peer: PeerId): Promise<void>;
  /** Called with the facts of every connection that opens; `closed` when the last one to a peer ends. */
  watch(watcher: { opened(facts: ConnectionFacts): void; closed(peer: PeerId): void }): void;
}

/** An ordered, reliable byte stream to a peer, direct or relayed, encrypted between its two ends. */
export interface ByteStream {
  readonly facts: ConnectionFacts;
  /** False: the buffer is full; wait for `drained` before sending more. The chunk is taken either way. */
  send(chunk: Uint8Array): boolean;
  /** Bytes taken by `send` that have not left yet. */
  bufferedBytes(): number;
  /** Sets the only listener. `data` may be called again only after it returns. */
  listen(listener: {
    data(chunk: Uint8Array): void;
    drained(): void;
    /** Called once, whatever ended the stream. */
    closed(): void;
  }): void;
  /** Ends after what was sent has left. */
  close(): Promise<void>;
  /** Ends at once. */
  abort(): void;
}

/** Streams that carry packets. Only members get through in either direction. */
export interface Streams {
  /** Prefers a direct connection over a relayed one. @throws CodedError<RpcErrorCode> */
  open(to: PeerId, protocol: string, options: RequestOptions): Promise<ByteStream>;
  accept(protocol: string, handler: (stream: ByteStream) => void): void;
}

/**
 * What a device with a virtio header knows about a packet (Linux `virtio_net_hdr`): a TCP or UDP
 * super-packet still to be cut into segments, or a checksum still to be filled in. Offsets count
 * from the start of the IP header.
 */
export interface Offload {
  /** 0 none, 1 TCP over IPv4, 4 TCP over IPv6, 5 UDP. */
  readonly gsoType: number;
  /** True: the checksum at `checksumStart + checksumOffset` holds only the pseudo-header sum. */
  readonly needsChecksum: boolean;
  readonly headerBytes: number;
  readonly segmentBytes: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

export interface Packet {
  /** A whole IPv4 or IPv6 packet. */
  readonly bytes: Uint8Array;
  readonly offload: Offload | null;
}

export interface DeviceAddress {
  /** Text form, such as `10.77.3.9`. */
  readonly address: string;
  readonly prefixLength: number;
}

/** The virtual network card. */
export interface TunDevice {
  readonly name: string;
  readonly mtu: number;
  /** True: it hands over and takes super-packets and unfinished checksums. */
  readonly offloads: boolean;
  /** Replaces the addresses on the device and with them its routes. */
  configure(addresses: readonly DeviceAddress[]): Promise<void>;
  /** Sets the only listener. The batch's memory may be reused after the call returns. */
  listen(listener: (batch: readonly Packet[]) => void): void;
  /** Hands packets to the operating system; returns how many it took. */
  write(batch: readonly Packet[]): number;
  /** Removes the device and everything on it. */
  close(): Promise<void>;
}

/** One interface of the machine, with the addresses that others could reach it by. */
export interface NetworkInterface {
  readonly name: string;
  readonly index: number;
  readonly mtuBytes: number;
  /** IPv4 and IPv6 unicast addresses as text; no loopback, link-local or tentative ones. */
  readonly addresses: readonly DeviceAddress[];
  /**
   * Whether packets of the family can leave its own subnets by it: some route leads through a gateway
   * on it, or it has only one other end. True where the system does not tell.
   */
  readonly routed4: boolean;
  readonly routed6: boolean;
}

/** Interfaces over which paths may lead: up, and none of tunnels, bridges' ports or containers. */
export interface Interfaces {
  current(): readonly NetworkInterface[];
  /** Calls back after any change, soon and once for a burst; the returned function ends that. */
  watch(onChange: () => void): () => void;
  close(): void;
}
