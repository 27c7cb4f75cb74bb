/**
 * Ways in which the lease protocol could be wrong, each as changes of the compiled code. What is replaced has to be there
 * exactly once: who changes the protocol sees to it that the mistakes of others are still made here.
 */

export interface Edit {
  /** Compiled file, from the folder of the build. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface PlantedBug {
  readonly name: string;
  /** What the protocol does about it. */
  readonly against: string;
  readonly edits: readonly Edit[];
  /** Violations, any of which shows it. */
  readonly shownBy: readonly string[];
  /** Seed by which it was found last, tried first. */
  readonly seed: number;
}

const DUPLICATES = ['duplicateLeases', 'duplicateAddresses', 'foreignAddresses'];

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'a quorum is counted among the witnesses that answer',
    against: 'members that cannot be reached count as witnesses for 15 minutes',
    edits: [
      {
        file: 'dhcp/views.js',
        from: '.filter((peer) => peer !== self);',
        to: '.filter((peer) => peer !== self && roster.get(peer)?.connected === true);',
      },
    ],
    shownBy: DUPLICATES,
    seed: 0,
  },
  {
    name: 'newcomers vote without what was granted before they came',
    against: 'a member copies what the others hold before it votes',
    edits: [
      {
        file: 'dhcp/settle.js',
        from: 'for (const [raw, remainingMs] of entries)\n            await witness.import(raw, remainingMs);',
        to: '',
      },
    ],
    shownBy: DUPLICATES,
    seed: 0,
  },
  {
    name: 'newcomers neither abstain nor wait',
    against: 'a member that has not settled abstains, and claims nothing',
    edits: [
      {
        file: 'dhcp/witness.js',
        from: "if (!this.#views.selfSettled)\n            return ['abstain'];",
        to: '',
      },
      {
        file: 'src/node/leasing.js',
        from: 'const SETTLE_FIRST_MS = 8_000;',
        to: 'const SETTLE_FIRST_MS = 0;',
      },
    ],
    shownBy: DUPLICATES,
    seed: 0,
  },
  {
    name: 'a claim that failed keeps what it was granted',
    against: 'a claim that failed releases at once what it was granted',
    edits: [
      {
        file: 'dhcp/claim.js',
        from: 'function release(parts, request, rounds) {',
        to: 'function release(parts, request, rounds) {\n    return;',
      },
    ],
    shownBy: ['burnedAddresses'],
    seed: 3,
  },
  {
    name: 'a lease ends by the date of the witness, which is not that of the holder',
    against: 'terms are measured by monotonic clocks, and travel as time left',
    edits: [
      {
        file: 'dhcp/witness.js',
        from: 'this.#ledger.commit(certificate, nowMs);',
        to:
          'this.#ledger.commit(certificate, nowMs, Math.max(0, 10_000 + 1_000 * (certificate.epoch +' +
          ' certificate.termS * (1 + certificate.renewal / 2)) - this.#context.clock.wallNow()));',
      },
    ],
    shownBy: DUPLICATES,
    seed: 0,
  },
  {
    name: 'anybody may renew a lease',
    against: 'a renewal is granted to the owner alone',
    edits: [
      {
        file: 'dhcp/ledger.js',
        from: "entry.phase !== 'tombstone' && entry.owner !== terms.owner)",
        to: "entry.phase !== 'tombstone' && entry.owner !== terms.owner && terms.renewal === 0)",
      },
      {
        file: 'dhcp/ledger.js',
        from: 'equalBytes(entry.claimId, terms.claimId) && entry.owner === terms.owner',
        to: 'equalBytes(entry.claimId, terms.claimId)',
      },
      {
        file: 'dhcp/ledger.js',
        from: 'if (entry.owner !== certificate.owner)',
        to: 'if (entry.owner !== certificate.owner && certificate.renewal === 0)',
      },
    ],
    shownBy: DUPLICATES,
    seed: 0,
  },
  {
    name: 'who lost a lease keeps the address on its device',
    against: 'what is not held any more is not used a moment longer',
    edits: [
      {
        file: 'src/node/addressing.js',
        from: 'if (address4 === this.#asked && this.#hindrance === null)',
        to: 'if (address4 === null || (address4 === this.#asked && this.#hindrance === null))',
      },
    ],
    shownBy: ['duplicateAddresses', 'foreignAddresses'],
    seed: 0,
  },
  {
    name: 'a witness forgets what it promised when it starts again',
    against: 'what a witness promised is on disk before it answers',
    edits: [{ file: 'dhcp/journal.js', from: 'ledger.restore(entry);', to: '' }],
    shownBy: DUPLICATES,
    seed: 0,
  },
  {
    name: 'a witness keeps a lease no longer than its holder',
    against: 'a witness keeps a lease for the term, 2 % of it and 10 seconds longer',
    edits: [
      {
        file: 'dhcp/ledger.js',
        from: 'termS * 1000 * (1 + WITNESS_MARGIN_RATIO) + WITNESS_MARGIN_MS;',
        to: 'termS * 1000;',
      },
    ],
    shownBy: DUPLICATES,
    seed: 0,
  },
];
