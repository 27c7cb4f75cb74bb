/** A peer that speaks the protocols as it likes: it trusts everyone and says what the test says. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { hasCode } from '../../overlay/base/errors.js';
import type { Gate, Rpc, Streams, Swarm } from '../../overlay/ports.js';
import { HELLO_PROTOCOL, helloAnswerCodec, helloCodec, type Hello } from '../../src/node/hello.js';
import type { NodeIdentity } from '../../src/node/identity.js';
import {
  LEASE_PROTOCOL,
  leaseRequestCodec,
  leaseResponseCodec,
  type LeaseRequest,
  type LeaseResponse,
} from '../../dhcp/messages.js';

/** A gate without judgement. */
export const CREDULOUS: Gate = {
  trust: () => 'member',
  settled: () => Promise.resolve('member'),
  misbehaved: () => undefined,
};

export interface HelloFields {
  readonly membership: Uint8Array;
  readonly admission: Uint8Array | null;
  readonly leases: readonly Uint8Array[];
  readonly settled: boolean;
  readonly addresses: readonly string[];
  readonly neighbours: Hello[7];
  readonly revocations: number;
}

export function helloOf(identity: NodeIdentity, change: Partial<HelloFields> = {}): Uint8Array {
  const admission = change.admission ?? null;
  return helloCodec.encode([
    1,
    change.membership ?? identity.membershipBytes,
    admission === null ? [] : [admission],
    [...(change.leases ?? [])],
    change.settled ?? false,
    false,
    [...(change.addresses ?? [])],
    change.neighbours ?? [],
    change.revocations ?? 0,
    'rogue',
  ]);
}

export interface RogueHost {
  readonly rpc: Rpc;
  readonly swarm: Swarm;
  readonly streams: Streams;
}

export class Rogue {
  readonly host: RogueHost;
  readonly #to: PeerId;

  constructor(host: RogueHost, to: PeerId) {
    this.host = host;
    this.#to = to;
  }

  /** The answer to raw bytes, or the code of the refusal. */
  async request(protocol: string, bytes: Uint8Array): Promise<Uint8Array | string> {
    try {
      return await this.host.rpc.request(this.#to, protocol, bytes, {
        timeoutMs: 5_000,
        trust: 'unknown',
      });
    } catch (error) {
      if (hasCode(error)) return error.code;
      throw error;
    }
  }

  /** `card`, the code of a refusal, or the code of the transport. */
  async hello(bytes: Uint8Array): Promise<string> {
    const answer = await this.request(HELLO_PROTOCOL, bytes);
    if (typeof answer === 'string') return `transport: ${answer}`;
    const decoded = helloAnswerCodec.decode(answer);
    if (!decoded.ok) throw new Error(`an answer that cannot be read: ${decoded.detail}`);
    return decoded.value[0] === 'refused' ? decoded.value[1] : 'card';
  }

  async lease(request: LeaseRequest): Promise<LeaseResponse | string> {
    const answer = await this.request(LEASE_PROTOCOL, leaseRequestCodec.encode(request));
    if (typeof answer === 'string') return answer;
    const decoded = leaseResponseCodec.decode(answer);
    if (!decoded.ok) throw new Error(`an answer that cannot be read: ${decoded.detail}`);
    return decoded.value;
  }

  /** The code with which the stream is refused, or `open`. */
  async stream(protocol: string): Promise<string> {
    try {
      await this.host.streams.open(this.#to, protocol, { timeoutMs: 5_000 });
      return 'open';
    } catch (error) {
      if (hasCode(error)) return error.code;
      throw error;
    }
  }
}
