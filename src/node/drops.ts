/** Why packets were dropped, each counted under its own name in `overlay status`. */
export const DROP_REASONS = [
  'malformed', // no whole IP packet, or an offload that does not fit it
  'multicast', // the overlay carries unicast only
  'not-overlay', // destination outside the network
  'unresolved', // nobody holds the destination, or it was not found in time
  'queue-full', // the path to the peer is slower than what is sent to it, or broke
  'waiting-full', // too many packets wait for a resolution
  'spoofed-source', // the source address does not belong to the peer that sent it
  'not-for-us',
  'no-device',
  'device-full', // the operating system took no more
  'untrusted', // from or to a peer that is not a member
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export class Drops {
  readonly #counts = new Map<DropReason, number>();

  count(reason: DropReason, packets = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + packets);
  }

  /** Counts above zero. */
  facts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
