/** Follows a running node from one sample to the next. */
import type { AdminClient } from '../../admin/client.js';
import type { StatusFacts } from '../../node/control.js';
import { RateHistory } from './history.js';
import { ratedPeers, type PeerSample, type RatedPeer } from './rates.js';

interface NodeSample extends PeerSample {
  readonly status: StatusFacts;
}

/** What is known after a sample. */
export interface Followed {
  readonly status: StatusFacts;
  /** With rates since the sample before; there are none after the first. */
  readonly peers: readonly RatedPeer[];
  /** Time between the two samples; null after the first. */
  readonly elapsedMs: number | null;
}

export class NodeFollower {
  readonly history = new RateHistory();
  readonly #client: AdminClient;
  #before: NodeSample | null = null;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  /** @throws CodedError as the client does; the next sample is then compared with the last good one. */
  async next(signal?: AbortSignal): Promise<Followed> {
    const options = signal === undefined ? {} : { signal };
    const { schema: _, ...status } = await this.#client.call('status', {}, options);
    const { peers } = await this.#client.call('peers', {}, options);
    const before = this.#before;
    const sample = { atMs: performance.now(), status, peers };
    this.#before = sample;
    const rated = ratedPeers(before, sample);
    if (before !== null) this.history.add(rated);
    return {
      status,
      peers: rated,
      elapsedMs: before === null ? null : Math.round(sample.atMs - before.atMs),
    };
  }
}
