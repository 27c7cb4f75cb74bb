/** A node that is made of facts only, to put behind the admin API. What is called is recorded. */
import { CodedError } from '../../../overlay/base/errors.js';
import { peerIdOfPublicKey, type PeerId } from '../../../overlay/base/peer-id.js';
import type { Signal } from '../../../overlay/base/signal.js';
import type { Logger } from '../../../overlay/ports.js';
import type { AdminTarget } from '../../../src/admin/target.js';
import type {
  InviteFacts,
  InviteRequest,
  LeaseFacts,
  MemberFacts,
  PeerFacts,
  PingOptions,
  PingReply,
  SchedulingFacts,
  SchedulingRequest,
  StatusFacts,
  WhoisFacts,
} from '../../../src/node/control.js';

export const SELF: PeerId = peerIdOfPublicKey(new Uint8Array(32).fill(1));
export const NAS: PeerId = peerIdOfPublicKey(new Uint8Array(32).fill(2));
export const HUB: PeerId = peerIdOfPublicKey(new Uint8Array(32).fill(3));

/** Text as a hostile member could choose it: an escape sequence that clears the screen. */
const HOSTILE_NAME = 'evil\u001b[2J\nroot';

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const counters = (packets: number): { packets: number; bytes: number } => ({
  packets,
  bytes: packets * 1000,
});

export class FakeControl implements AdminTarget {
  readonly calls: string[] = [];
  readonly #watchers = new Set<() => void>();
  #waitingFor: string | null = null;
  /** Called by `stop`; a real node ends here. */
  onStop: () => void = () => undefined;
  /** Replies that never come, of a node that hangs. */
  hang = false;
  /** What `ping` yields; null for a lost probe. */
  pingVia: PingReply['via'] | null = 'direct';

  /** Sets what the node still waits for; null makes it ready. */
  waitFor(what: string | null): void {
    this.#waitingFor = what;
    for (const watcher of [...this.#watchers]) watcher();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  status(): StatusFacts {
    const ready = this.#waitingFor === null;
    return {
      ready,
      waitingFor: this.#waitingFor,
      peerId: SELF,
      name: 'laptop',
      network: {
        id: '00112233445566778899aabbccddeeff',
        name: 'home',
        open: false,
        subnet4: '10.77.0.0/16',
        prefix6: 'fd00:1:2::/48',
      },
      roles: ['owner'],
      address4: ready ? '10.77.3.9' : null,
      address6: 'fd00:1:2::9',
      lease: ready
        ? { state: 'held', expiresAt: '2100-01-01T00:00:00Z', acquiredInMs: 412 }
        : { state: 'claiming', expiresAt: null, acquiredInMs: null },
      device: { name: 'ov0', mode: 'tun', mtu: 1420 },
      scheduler: 'adaptive',
      peers: { connected: 1, direct: 1, relayed: 0 },
      listening: ['/ip4/192.168.1.5/tcp/4242'],
      drops: { 'no-route': 3 },
      uptimeS: 12,
      version: '0.1.0',
    };
  }

  peers(): Promise<readonly PeerFacts[]> {
    const path = {
      id: 1,
      transport: 'tcp',
      local: '192.168.1.5:4242',
      remote: '203.0.113.9:4242',
      interface: 'eth0',
      metric: 0,
      backup: false,
      state: 'active',
      rttMs: 12.1,
      lossRatio: 0,
      capacityMbps: 48,
      windowBytes: 120_000,
      mtuBytes: 1452,
      tx: counters(1),
      rx: counters(2),
      dropped: counters(0),
    } as const;
    const calm = {
      overflow: false,
      schedulerWhy: null,
      queue: counters(0),
      drops: { queue: 0 },
      copies: 0,
      repairs: 0,
      duplicates: 0,
      lost: 0,
    };
    return Promise.resolve([
      {
        ...calm,
        peerId: NAS,
        name: 'nas',
        address4: '10.77.8.1',
        address6: 'fd00:1:2::1',
        link: 'direct',
        relay: null,
        scheduler: 'adaptive',
        schedulerWhy: 'one path is alive',
        score: 7.5,
        paths: [path],
      },
      {
        ...calm,
        peerId: HUB,
        name: HOSTILE_NAME,
        address4: null,
        address6: 'fd00:1:2::2',
        link: 'relayed',
        relay: NAS,
        scheduler: 'failover',
        score: 0,
        paths: [],
      },
    ]);
  }

  leases(): readonly LeaseFacts[] {
    const held = { state: 'held', expiresAt: '2100-01-01T00:00:00Z' } as const;
    return [
      {
        kind: 'address',
        key: '10.77.3.9',
        owner: SELF,
        ownerName: 'laptop',
        role: 'holder',
        ...held,
      },
      { kind: 'name', key: 'nas', owner: NAS, ownerName: null, role: 'witness', ...held },
    ];
  }

  members(): readonly MemberFacts[] {
    const common = { address6: 'fd00:1:2::9', roles: ['owner'], connected: false, self: false };
    return [
      { ...common, peerId: SELF, name: 'laptop', address4: '10.77.3.9', self: true, lastSeenS: 0 },
      { ...common, peerId: NAS, name: 'nas', address4: '10.77.8.1', lastSeenS: 90, roles: [] },
      { ...common, peerId: HUB, name: HOSTILE_NAME, address4: null, lastSeenS: null },
    ];
  }

  whois(query: string, _signal: Signal): Promise<WhoisFacts> {
    this.calls.push(`whois ${query}`);
    if (this.hang) return new Promise(() => undefined);
    if (!['nas', '10.77.8.1', NAS].includes(query)) {
      const message = `nobody is called ${query}: overlay members lists who is there`;
      return Promise.reject(new CodedError('not-found', message));
    }
    return Promise.resolve({
      peerId: NAS,
      name: 'nas',
      address4: '10.77.8.1',
      address6: 'fd00:1:2::1',
      source: 'peer',
    });
  }

  async *ping(query: string, options: PingOptions, signal: Signal): AsyncIterable<PingReply> {
    await this.whois(query, signal);
    this.calls.push(`ping ${JSON.stringify(options)}`);
    for (let sequence = 1; !signal.aborted; sequence++) {
      if (options.count > 0 && sequence > options.count) return;
      // With `untilDirect` the third probe finds the direct way, as after a hole was punched.
      const via = options.untilDirect && sequence >= 3 ? 'direct' : this.pingVia;
      yield {
        sequence,
        rttMs: via === null ? null : 0.2 + sequence / 10,
        via: via ?? 'direct',
        relay: via === 'relay' ? HUB : null,
        pathId: via === 'direct' ? 1 : null,
        transport: via === null ? null : 'tcp',
      };
      if (options.untilDirect && via === 'direct') return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.intervalMs);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  createInvite(request: InviteRequest): Promise<InviteFacts> {
    this.calls.push(`invite ${JSON.stringify(request)}`);
    if (request.roles.includes('owner')) {
      const message = 'an invite cannot make owners: leave the role out';
      return Promise.reject(new CodedError('not-allowed', message));
    }
    return Promise.resolve({
      id: '4f1d22c09a3b5e77',
      invite: 'ovl1qqqq',
      expiresAt: request.expiresInMs === 0 ? null : '2100-01-01T00:00:00Z',
      uses: request.uses,
      used: 0,
      revoked: false,
      name: request.name ?? null,
      address4: request.address4 ?? null,
      roles: request.roles,
    });
  }

  async listInvites(): Promise<readonly InviteFacts[]> {
    const facts = await this.createInvite({ uses: 1, expiresInMs: 1, roles: ['inviter'] });
    return [
      { ...facts, invite: null },
      { ...facts, invite: null, id: 'aa', revoked: true, uses: 0, used: null, name: 'nas' },
      { ...facts, invite: null, id: 'bb', expiresAt: '2001-01-01T00:00:00Z', roles: [] },
      { ...facts, invite: null, id: 'cc', used: 1, expiresAt: null },
    ];
  }

  async revokeInvite(id: string): Promise<InviteFacts> {
    const facts = (await this.listInvites()).find((invite) => invite.id === id);
    if (facts === undefined) {
      throw new CodedError(
        'not-found',
        `no invite has the id ${id}: overlay invite list shows them`,
      );
    }
    return { ...facts, revoked: true };
  }

  setScheduling(request: SchedulingRequest, _signal: Signal): Promise<SchedulingFacts> {
    this.calls.push(`scheduling ${JSON.stringify(request)}`);
    if (request.peer !== null && request.peer !== 'nas') {
      const message = `no member goes by ${request.peer}: overlay members lists those known`;
      return Promise.reject(new CodedError('not-found', message));
    }
    const { scheduler = 'default', overflow = false } = request;
    return Promise.resolve({
      peer: request.peer === null ? null : NAS,
      scheduler: scheduler === 'default' ? 'adaptive' : scheduler,
      overflow,
    });
  }

  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  stop(): void {
    this.calls.push('stop');
    this.onStop();
  }

  leave(): Promise<void> {
    this.calls.push('leave');
    return Promise.resolve();
  }
}
