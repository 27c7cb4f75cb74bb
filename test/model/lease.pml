/*
 * The lease protocol of one address, for the model checker spin: every order in which messages are
 * delivered or lost, claimants and witnesses crash, grants lapse and leases expire.
 *
 * Property: at no time do both claimants hold the address (the assertion in `Claimant`).
 *
 * What stands for what:
 *
 *   QUORUM, SLACK, SYNC_QUORUM   dhcp/quorum.ts
 *   answerClaim                  Witness.#claim with Ledger.claim: one step, on disk when answered
 *   answerCommit                 Witness.#commit with Ledger.commit
 *   copyLease                    Witness.import of a certificate that another witness hands over
 *   Claimant                     dhcp/claim.ts (Round) and dhcp/keeper.ts (renewal, end of use)
 *   Newcomer                     dhcp/settle.ts (Hearing, copyFrom) and Witness.#handOver
 *   forget in Witness            PROVISIONAL_MS, witnessTermMs and Ledger.release; see time below
 *
 * Messages. A request is a bit at its witness, and delivering it clears the bit: any order is possible,
 * and a lost request is one that is never delivered. An answer reaches its claimant at once: a claimant
 * may wait or give up whenever it likes, so late and lost answers add nothing. A claim that arrives
 * after its round is dropped, for its grant would count nowhere and only block others. Commits
 * stay under way for ever.
 *
 * Crashes. A claimant that crashes is one that gives up, or that stops to use the address. One that held
 * the lease counts as a holder until then, for it may come back and take the lease up. A witness that
 * crashes and keeps its disk is one whose messages are lost for a while; one that crashes for good is
 * never delivered anything again.
 *
 * Time. There is no clock, only what the terms guarantee. A grant does not lapse while the round it was
 * given to is under way (CLAIM_DEADLINE_MS < PROVISIONAL_MS). A committed lease does not expire at a
 * witness while its owner commits it, or uses it by this or an earlier certificate (WITNESS_MARGIN); a
 * witness that missed a renewal may forget the lease before its holder does. Otherwise an entry may go
 * at any time, so a release, which is sent when a claim is over, is an expiry that comes early.
 *
 * Left out: signatures and members that lie; other addresses; the directory, which decides nothing;
 * members that resign; the choice of the nearest eight: all voters are witnesses, up to six of them,
 * so that the tolerance of each is 0, and VIEWS_DIFFER stands for the slack; tombstones, which only
 * refuse more; and with them epochs: of one claimant's claims the later one has the greater epoch, as
 * long as its wall clock is not set back, and those of two claimants are compared by nobody here.
 *
 * Each claimant makes up to two claims (0 and 1 of A, 2 and 3 of B), each renewed at most once. One that is
 * told that its view is stale asks again as a new claim, with an id of its own. dhcp/claim.ts keeps the id and
 * releases nothing before all is decided, which allows less; REASK_KEEPS_ID keeps it and releases.
 *
 * Voters that differ in nothing but their number are kept sorted after every step, which makes one
 * state of all their orders. Nothing refers to a witness by its number, so this loses nothing.
 *
 * Faults to plant, each of which has to be found:
 *
 *   VOTE_BY_ANSWERED   a quorum is a majority of those that answered
 *   NEWCOMER_VOTES     a newcomer votes before it has copied what was granted
 *   NO_PENDING         a newcomer does not wait for grants under way
 *   NO_MARGIN          a witness may forget a lease that its holder still uses
 *   NO_STORE           a witness answers before the entry is on disk, and crashes
 *   COMMIT_YIELDS      a committed lease gives way to the certificate of another owner
 *   NO_COMMIT          the grants alone make a lease
 *   NO_LAPSE           grants do not lapse, so that claims may wait for ever (with PROGRESS)
 *   COMMIT_IGNORES_VIEW  a witness commits though the view lacks a newcomer that it knows (ALIKE=3)
 *   REASK_KEEPS_ID     a claim asked again after `stale` keeps the id that its first round releases
 *   DISK_LOST          a witness loses its disk and goes on (assumption (a) of docs/PROTOCOL.md)
 *   VIEWS_DIFFER=2     views differ by more than the slack (assumption (d))
 *
 * PROGRESS searches for claims that never end
 * instead of two holders, and SHOW_TURNS is found when one claimant can hold the address after the other.
 */

/* Voters at the beginning, and members that settle later. */
#ifndef BASE
#define BASE 3
#endif
#ifndef NEWCOMERS
#define NEWCOMERS 0
#endif
/* Claims that A and B make, 1 or 2; whether they renew. */
#ifndef CLAIMS_A
#define CLAIMS_A 2
#endif
#ifndef CLAIMS_B
#define CLAIMS_B 2
#endif
#ifndef RENEWALS_A
#define RENEWALS_A 1
#endif
#ifndef RENEWALS_B
#define RENEWALS_B 1
#endif
/* Members of each view that are missing in the other. */
#ifndef VIEWS_DIFFER
#define VIEWS_DIFFER 0
#endif

/* How many each newcomer stands for: so many that do the same at the same time. */
#ifndef ALIKE
#define ALIKE 1
#endif

#define ALL (BASE + NEWCOMERS)
/* Bits of a set of newcomers. */
#if NEWCOMERS > 1
#define SET NEWCOMERS
#else
#define SET 1
#endif

/* Phases of an entry: EntryPhase of dhcp/ledger.ts. */
#define FREE 0
#define GRANTED 1
#define COMMITTED 2

/* What a claimant is doing. */
#define IDLE 0
#define ASKING 1
#define COMMITTING 2

#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define SIZE(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))

#define SLACK(n) ((n) / 4)
#define QUORUM(n) (((n) + SLACK(n)) / 2 + 1)
#define MEETS(n) ((n) - QUORUM(n) + 1 + SLACK(n))
#define SYNC_QUORUM(n) (MEETS(n) > (n) / 2 + 1 -> (MEETS(n) < (n) -> MEETS(n) : (n)) : ((n) / 2 + 1 < (n) -> (n) / 2 + 1 : (n)))

/* One witness: its entry, and what is on the way to it. Numbers and sets of claims have 0 to 3. */
typedef Entry {
  unsigned phase : 2;
  unsigned claim : 2;
  unsigned renewal : 1;
  unsigned votes : 1;
  /* Claimants whose present question is under way to it; those it said yes to in the present step. */
  unsigned asked : 2;
  unsigned agreed : 2;
  /* Commits under way: of first certificates, and of renewals. */
  unsigned commits : 4;
  unsigned recommits : 4;
#ifdef REASK_KEEPS_ID
  unsigned releases : 4;
#endif
#ifdef VOTE_BY_ANSWERED
  unsigned answered : 2;
#endif
#if NEWCOMERS > 0
  /* Heard of from another witness only. */
  unsigned hearsay : 1;
  /* Newcomers that registered here; for whom the grant that is pending here has to be decided. */
  unsigned knows : SET;
  unsigned watched : SET;
  /* Newcomers that have heard this witness; that will have when the grant is decided. */
  unsigned heard : SET;
  unsigned waits : SET;
#endif
#ifdef NO_STORE
  unsigned storedPhase : 2;
  unsigned storedClaim : 2;
  unsigned storedRenewal : 1;
#endif
};

typedef Party {
  unsigned phase : 2;
  unsigned which : 1;
  unsigned renewal : 1;
  unsigned made : 2;
  unsigned holds : 1;
  unsigned heldWhich : 1;
  unsigned heldRenewal : 1;
  /* Newcomers in its view; the voters of the beginning always are. */
  unsigned view : SET;
#ifdef REASK_KEEPS_ID
  unsigned stale : 1;
#endif
};

Entry at[ALL];
Party party[2];
#if NEWCOMERS > 1
/* What each newcomer asked before that voted, and does not count. */
byte fresh[NEWCOMERS];
#endif
#ifdef PROGRESS
/* The rival is gone. */
bit calm;
#endif

/* Scratch of one step, no part of the state. */
hidden byte slot;
hidden byte pass;
hidden byte kept;
hidden byte other;

#define OWNER(c) ((c) >> 1)
#define NOW(a) (2 * (a) + party[a].which)
#define HELD(a) (2 * (a) + party[a].heldWhich)
#define UNDER_WAY(c, r) (party[OWNER(c)].phase != IDLE && NOW(OWNER(c)) == c && party[OWNER(c)].renewal == r)
#define IS_COMMITTING(c, r) (party[OWNER(c)].phase == COMMITTING && NOW(OWNER(c)) == c && party[OWNER(c)].renewal == r)
/* Its owner commits or uses this certificate or an earlier one, which made the entry last no less. */
#define IS_UP_TO(c1, r1, c, r) (c1 < c || c1 == c && r1 <= r)
#define WILL_USE(c, r) (party[OWNER(c)].phase == COMMITTING && IS_UP_TO(NOW(OWNER(c)), party[OWNER(c)].renewal, c, r))
#define USES(c, r) (party[OWNER(c)].holds && IS_UP_TO(HELD(OWNER(c)), party[OWNER(c)].heldRenewal, c, r))

#ifdef NO_MARGIN
#define IS_OVER(w) (!WILL_USE(at[w].claim, at[w].renewal))
#else
#define IS_OVER(w) (!WILL_USE(at[w].claim, at[w].renewal) && !USES(at[w].claim, at[w].renewal))
#endif

#define IS_OTHERS(w, c) (at[w].phase != FREE && OWNER(at[w].claim) != OWNER(c))
/* The entry is of the same owner's later claim or renewal. */
#define IS_LATER(w, c, r) (at[w].phase != FREE && OWNER(at[w].claim) == OWNER(c) && (at[w].claim > c || at[w].claim == c && at[w].renewal > r))
#define IS_SAME(w, c, r) (at[w].phase != FREE && at[w].claim == c && at[w].renewal == r)

#if NEWCOMERS > 0
/* dhcp/witness.ts with a tolerance of 0: this witness knows of somebody that the view lacks. */
#define IS_STALE(w, a) (at[w].knows & ~party[a].view)
#else
#define IS_STALE(w, a) false
#endif

/* A sum over all witnesses. */
#if ALL == 2
#define SUM(f, a) (f(0, a) + f(1, a))
#elif ALL == 3
#define SUM(f, a) (f(0, a) + f(1, a) + f(2, a))
#elif ALL == 4
#define SUM(f, a) (f(0, a) + f(1, a) + f(2, a) + f(3, a))
#elif ALL == 5
#define SUM(f, a) (f(0, a) + f(1, a) + f(2, a) + f(3, a) + f(4, a))
#else
#define SUM(f, a) (f(0, a) + f(1, a) + f(2, a) + f(3, a) + f(4, a) + f(5, a))
#endif
#define WEIGHT(w) ((w) < BASE -> 1 : ALIKE)
#define AGREED(w, a) (HAS(at[w].agreed, a) * WEIGHT(w))

/* The voters in a view: all, or all but the last for A and all but the first for B. */
#define SEES(a, w) ((w) < BASE && ((a) == 0 && (w) < BASE - VIEWS_DIFFER || (a) == 1 && (w) >= VIEWS_DIFFER))
#define VIEW_SIZE(a) (BASE - VIEWS_DIFFER + ALIKE * SIZE(party[a].view))

#ifdef VOTE_BY_ANSWERED
#define ANSWERED(w, a) (HAS(at[w].answered, a) * WEIGHT(w))
#define NEEDED(a) (SUM(ANSWERED, a) / 2 + 1)
#else
#define NEEDED(a) QUORUM(VIEW_SIZE(a))
#endif

/* Only voters in both views are alike. */
#define SORT_FROM VIEWS_DIFFER
#ifdef PROGRESS
/* Here some can be reached and others cannot. */
#define SORT_TO SORT_FROM
#else
#define SORT_TO (BASE - 1 - VIEWS_DIFFER)
#endif
#define KEY1(w) (at[w].phase + (at[w].claim << 2) + (at[w].renewal << 4) + (at[w].asked << 5) + (at[w].agreed << 7) + (at[w].commits << 9) + (at[w].recommits << 13))
#if NEWCOMERS > 0
#define KEY2(w) (at[w].knows + (at[w].watched << 3) + (at[w].heard << 6) + (at[w].waits << 9))
#elif defined(NO_STORE)
#define KEY2(w) (at[w].storedPhase + (at[w].storedClaim << 2) + (at[w].storedRenewal << 4))
#else
#define KEY2(w) 0
#endif
#define SWAP(field) kept = at[slot].field; at[slot].field = at[slot + 1].field; at[slot + 1].field = kept

inline exchange() {
  SWAP(phase); SWAP(claim); SWAP(renewal); SWAP(asked); SWAP(agreed); SWAP(commits); SWAP(recommits);
#ifdef REASK_KEEPS_ID
  SWAP(releases);
#endif
#ifdef VOTE_BY_ANSWERED
  SWAP(answered);
#endif
#if NEWCOMERS > 0
  SWAP(knows); SWAP(watched); SWAP(heard); SWAP(waits);
#endif
#ifdef NO_STORE
  SWAP(storedPhase); SWAP(storedClaim); SWAP(storedRenewal);
#endif
  kept = 0
}

/* Ends every step that changes a witness. */
inline sort() {
  for (pass : SORT_FROM + 1 .. SORT_TO) {
    for (slot : SORT_FROM .. SORT_TO - 1) {
      if
      :: KEY1(slot) > KEY1(slot + 1) || KEY1(slot) == KEY1(slot + 1) && KEY2(slot) > KEY2(slot + 1) -> exchange()
      :: else
      fi
    }
  }
  slot = 0
}

inline put(w, p, c, r) {
#if NEWCOMERS > 0
  if
  :: p == GRANTED && IS_SAME(w, c, r)
  /* What was pending here is decided. */
  :: else -> at[w].watched = 0
  fi;
  at[w].hearsay = 0;
#endif
  at[w].phase = p;
  at[w].claim = c;
  at[w].renewal = r
}

inline forget(w) {
  at[w].phase = FREE;
  at[w].claim = 0;
#if NEWCOMERS > 0
  at[w].watched = 0;
  at[w].hearsay = 0;
#endif
  at[w].renewal = 0
}

/* The present question of claimant `a`, which is for claim `c`, renewal `r`. */
inline answerClaim(w, a, c, r) {
#ifdef VOTE_BY_ANSWERED
  at[w].answered = at[w].answered | BIT(a);
#endif
  if
  :: !at[w].votes /* abstain */
  :: at[w].votes && IS_STALE(w, a) ->
#ifdef REASK_KEEPS_ID
    party[a].stale = 1
#endif
  :: at[w].votes && !IS_STALE(w, a) && (IS_OTHERS(w, c) || IS_LATER(w, c, r)) /* held, old-epoch */
  :: else ->
    if
    /* A renewal under way changes nothing but the time that the entry has left. */
    :: at[w].phase == COMMITTED
    :: else -> put(w, GRANTED, c, r)
    fi;
    at[w].agreed = at[w].agreed | BIT(a)
  fi
}

inline agreeToCommit(w, c, r) {
  if
  :: IS_COMMITTING(c, r) -> at[w].agreed = at[w].agreed | BIT(OWNER(c))
  :: else
  fi
}

inline answerCommit(w, c, r) {
  if
#ifndef COMMIT_YIELDS
  :: at[w].phase == COMMITTED && IS_OTHERS(w, c) /* held */
#endif
  :: at[w].phase == COMMITTED && IS_LATER(w, c, r) ->
    if
    :: at[w].claim == c -> agreeToCommit(w, c, r)
    :: else /* held */
    fi
#if NEWCOMERS > 0 && !defined(COMMIT_IGNORES_VIEW)
  /* stale; of a certificate that its owner gave up it does not matter what becomes */
  :: !(at[w].phase == COMMITTED && (IS_OTHERS(w, c) || IS_LATER(w, c, r))) && IS_COMMITTING(c, r) && IS_STALE(w, OWNER(c)) ->
#ifdef REASK_KEEPS_ID
    party[OWNER(c)].stale = 1
#endif
#endif
  :: else -> put(w, COMMITTED, c, r); agreeToCommit(w, c, r)
  fi
}

#define DELIVER_CLAIM(a) \
  :: d_step { MAY_ANSWER(me) && HAS(at[me].asked, a) -> \
    at[me].asked = at[me].asked & ~BIT(a); kept = NOW(a); other = party[a].renewal; answerClaim(me, a, kept, other); sort() }
#define DELIVER_COMMIT(field, c, r) \
  :: d_step { MAY_ANSWER(me) && HAS(at[me].field, c) -> \
    at[me].field = at[me].field & ~BIT(c); answerCommit(me, c, r); sort() }
#define DELIVER_RELEASE(c) \
  :: d_step { HAS(at[me].releases, c) -> \
    at[me].releases = at[me].releases & ~BIT(c); \
    if :: at[me].phase != FREE && at[me].claim == c -> forget(me) :: else fi; \
    sort() }

#ifdef PROGRESS
/* Once the rival is gone, exactly a quorum of the first voters can be reached. */
#define MAY_ANSWER(w) (!calm || w < QUORUM(BASE + NEWCOMERS))
#else
#define MAY_ANSWER(w) true
#endif

#define IS_UNSTORED(w) (at[w].storedPhase != at[w].phase || at[w].storedClaim != at[w].claim || at[w].storedRenewal != at[w].renewal)

proctype Witness(byte me) {
end:
  do
  DELIVER_CLAIM(0)
  DELIVER_CLAIM(1)
  DELIVER_COMMIT(commits, 0, 0)
  DELIVER_COMMIT(commits, 1, 0)
  DELIVER_COMMIT(commits, 2, 0)
  DELIVER_COMMIT(commits, 3, 0)
  DELIVER_COMMIT(recommits, 0, 1)
  DELIVER_COMMIT(recommits, 1, 1)
  DELIVER_COMMIT(recommits, 2, 1)
  DELIVER_COMMIT(recommits, 3, 1)
  /* A grant lapses, a lease expires. */
#ifndef NO_LAPSE
  :: d_step { at[me].phase == GRANTED && !UNDER_WAY(at[me].claim, at[me].renewal) -> forget(me); sort() }
#endif
  :: d_step { at[me].phase == COMMITTED && IS_OVER(me) -> forget(me); sort() }
#ifdef REASK_KEEPS_ID
  DELIVER_RELEASE(0)
  DELIVER_RELEASE(1)
  DELIVER_RELEASE(2)
  DELIVER_RELEASE(3)
#endif
#ifdef NO_STORE
  :: d_step { IS_UNSTORED(me) ->
    at[me].storedPhase = at[me].phase; at[me].storedClaim = at[me].claim; at[me].storedRenewal = at[me].renewal; sort() }
  /* A crash brings back what was on disk. */
  :: d_step { IS_UNSTORED(me) ->
    at[me].phase = at[me].storedPhase; at[me].claim = at[me].storedClaim; at[me].renewal = at[me].storedRenewal; sort() }
#endif
#ifdef DISK_LOST
  :: d_step { at[me].phase != FREE -> forget(me); sort() }
#endif
  od
}

#if NEWCOMERS > 0
#define IS_IN_VIEW(a, w) (SEES(a, w) || (w) >= BASE && HAS(party[a].view, (w) - BASE))
#else
#define IS_IN_VIEW(a, w) SEES(a, w)
#endif

#define SEND_COMMITS(a, field) \
  for (slot : 0 .. ALL - 1) { \
    if \
    :: IS_IN_VIEW(a, slot) -> at[slot].field = at[slot].field | BIT(NOW(a)) \
    :: else \
    fi \
  }

/* Whatever was asked and answered in this step of the claimant counts no more. */
inline clearStep(a) {
  for (slot : 0 .. ALL - 1) {
    at[slot].asked = at[slot].asked & ~BIT(a);
#ifdef VOTE_BY_ANSWERED
    at[slot].answered = at[slot].answered & ~BIT(a);
#endif
    at[slot].agreed = at[slot].agreed & ~BIT(a)
  }
  slot = 0
}

inline endRound(a) {
  party[a].phase = IDLE;
  party[a].which = 0;
  party[a].renewal = 0;
#ifdef REASK_KEEPS_ID
  party[a].stale = 0;
#endif
  party[a].view = 0;
  clearStep(a)
}

/* Asks everybody in view. Of newcomers it has either not heard yet, or of all that registered. */
inline ask(a) {
  if
#ifndef PROGRESS
  :: party[a].view = 0
#endif
#if NEWCOMERS > 0 || defined(PROGRESS)
  :: d_step {
    kept = 0;
#if NEWCOMERS > 0
    for (slot : 0 .. ALL - 1) { kept = kept | at[slot].knows }
#endif
    party[a].view = kept
  }
#endif
  fi;
  d_step {
    party[a].phase = ASKING;
    for (slot : 0 .. ALL - 1) {
      if
      :: IS_IN_VIEW(a, slot) -> at[slot].asked = at[slot].asked | BIT(a)
      :: else
      fi
    }
    sort()
  }
}

#ifdef REASK_KEEPS_ID
inline release(a) {
  for (slot : 0 .. ALL - 1) { at[slot].releases = at[slot].releases | BIT(NOW(a)) }
  slot = 0
}
#endif

inline hold(a) {
  party[a].holds = 1;
  party[a].heldWhich = party[a].which;
  party[a].heldRenewal = party[a].renewal;
  assert(!party[1 - a].holds);
#ifdef SHOW_TURNS
  /* Not a fault: shows that one can hold the address after the other, after a renewal. */
  assert(!(a == 1 && party[a].renewal && party[0].made > 0));
#endif
  endRound(a)
}

proctype Claimant(byte me; byte claimsMax; bool renews) {
end:
  do
  /* A new claim, also beside a lease in use: so ends a renewal that is told of a later epoch. */
  :: atomic { party[me].phase == IDLE && party[me].made < claimsMax ->
    party[me].which = party[me].made;
    party[me].made++;
    ask(me) }
  :: atomic { renews && party[me].phase == IDLE && party[me].holds && party[me].heldRenewal == 0 ->
    party[me].which = party[me].heldWhich;
    party[me].renewal = 1;
    ask(me) }
  :: d_step { party[me].phase == ASKING && SUM(AGREED, me) >= NEEDED(me) ->
#ifdef NO_COMMIT
    hold(me);
#else
    party[me].phase = COMMITTING;
    clearStep(me);
    if
    :: party[me].renewal -> SEND_COMMITS(me, recommits)
    :: else -> SEND_COMMITS(me, commits)
    fi;
#endif
    sort() }
  :: d_step { party[me].phase == COMMITTING && SUM(AGREED, me) >= NEEDED(me) -> hold(me); sort() }
  /* Gives up: too few agreed, too late, or a crash. */
  :: d_step { party[me].phase != IDLE ->
#ifdef REASK_KEEPS_ID
    if
    :: party[me].holds
    :: else -> release(me)
    fi;
#endif
    endRound(me); sort() }
#ifdef REASK_KEEPS_ID
  :: atomic { party[me].phase == ASKING && party[me].stale ->
    d_step { release(me); clearStep(me); party[me].stale = 0 }
    ask(me) }
#endif
  /* The term is over, or the lease is given back. */
  :: d_step { party[me].holds ->
    party[me].holds = 0; party[me].heldWhich = 0; party[me].heldRenewal = 0 }
  od
}

#ifdef PROGRESS
#define IS_RIVALS(w, a) (MAY_BE_REACHED(w) && IS_OTHERS(w, 0))
#define MAY_BE_REACHED(w) (w < QUORUM(BASE + NEWCOMERS))
#define IS_OPEN(w, a) (MAY_BE_REACHED(w) && (HAS(at[w].asked, a) || HAS(at[w].commits, NOW(a))))

/*
 * Instead of A: a claimant that gives up only when its round is hopeless, after whatever its rival did
 * is over. It ends when it holds the address, so if it does not, the search reports an invalid end state.
 * A second claim is enough: the first may miss a newcomer that registers meanwhile.
 */
proctype Persistent() {
  atomic { party[1].phase == IDLE && !party[1].holds && party[1].made == CLAIMS_B && SUM(IS_RIVALS, 1) == 0 ->
    calm = 1;
    for (slot : 0 .. ALL - 1) { at[slot].commits = 0; at[slot].recommits = 0 }
    slot = 0 }
  do
  :: atomic { party[0].phase == IDLE && party[0].made < 2 ->
    party[0].which = party[0].made;
    party[0].made++;
    ask(0) }
  :: d_step { party[0].phase == ASKING && SUM(AGREED, 0) >= NEEDED(0) ->
    party[0].phase = COMMITTING;
    clearStep(0);
    SEND_COMMITS(0, commits)
    slot = 0 }
  :: d_step { party[0].phase == COMMITTING && SUM(AGREED, 0) >= NEEDED(0) -> hold(0) }
  :: party[0].holds -> break
  :: d_step { party[0].phase != IDLE && SUM(AGREED, 0) < NEEDED(0) && SUM(IS_OPEN, 0) == 0 -> endRound(0) }
  od
}
#endif

#if NEWCOMERS > 0
inline copyLease(w, from) {
  kept = at[from].claim;
  other = at[from].renewal;
  if
  :: at[w].phase == COMMITTED && (IS_OTHERS(w, kept) || IS_LATER(w, kept, other) || IS_SAME(w, kept, other))
  :: else -> put(w, COMMITTED, kept, other)
  fi
}

inline hearOf(w, from) {
  if
  :: at[w].phase == FREE -> kept = at[from].claim; put(w, GRANTED, kept, 0); at[w].hearsay = 1
  :: else
  fi
}

#define ASK_FOR_STATE(w) \
  /* It is registered there, but the answer is lost. */ \
  :: d_step { w != n && !HAS(at[w].knows, me) -> at[w].knows = at[w].knows | BIT(me); sort() } \
  :: d_step { w != n && at[w].votes && !at[n].votes && !HAS(at[w].heard, me) && !HAS(at[w].waits, me) -> \
    at[w].knows = at[w].knows | BIT(me); \
    if \
    :: at[w].phase == GRANTED && !at[w].hearsay && WAITS_FOR_PENDING -> \
      hearOf(n, w); at[w].watched = at[w].watched | BIT(me); at[w].waits = at[w].waits | BIT(me) \
    :: at[w].phase == COMMITTED -> copyLease(n, w); at[w].heard = at[w].heard | BIT(me) \
    :: else -> at[w].heard = at[w].heard | BIT(me) \
    fi; \
    sort() } \
  /* What was pending there is decided, or was replaced. */ \
  :: d_step { HAS(at[w].waits, me) && !HAS(at[w].watched, me) -> \
    at[w].waits = at[w].waits & ~BIT(me); \
    at[w].heard = at[w].heard | BIT(me); \
    if \
    :: at[w].phase == COMMITTED -> copyLease(n, w) \
    :: at[w].phase != COMMITTED && at[n].hearsay && !(at[w].phase == GRANTED && at[w].claim == at[n].claim) -> forget(n) \
    :: else \
    fi; \
    sort() }
/* One that does not vote yet proves nothing, and does not count. */
#define ASK_FRESH(o) \
  :: d_step { me != o && !at[n].votes && !at[BASE + o].votes && !HAS(fresh[me], o) -> \
    fresh[me] = fresh[me] | BIT(o); at[BASE + o].knows = at[BASE + o].knows | BIT(me) }

#ifdef NO_PENDING
#define WAITS_FOR_PENDING false
#else
#define WAITS_FOR_PENDING true
#endif
#define HEARD(w, m) (HAS(at[w].heard, m) * WEIGHT(w))
#if NEWCOMERS > 1
#define UNCOUNTED (fresh[me] | BIT(me))
#else
#define UNCOUNTED BIT(me)
#endif

proctype Newcomer(byte me) {
  byte n = BASE + me;
end:
  do
  ASK_FOR_STATE(0)
  ASK_FOR_STATE(1)
#if ALL > 2
  ASK_FOR_STATE(2)
#endif
#if ALL > 3
  ASK_FOR_STATE(3)
#endif
#if ALL > 4
  ASK_FOR_STATE(4)
#endif
#if ALL > 5
  ASK_FOR_STATE(5)
#endif
#if NEWCOMERS > 1
  ASK_FRESH(0)
  ASK_FRESH(1)
#endif
#if NEWCOMERS > 2
  ASK_FRESH(2)
#endif
#ifdef NEWCOMER_VOTES
  :: d_step { !at[n].votes -> at[n].votes = 1 }
#endif
  /* Enough was heard of those that the ones heard know of. */
  :: d_step { !at[n].votes && SUM(HEARD, me) > 0 ->
    kept = 0;
    for (slot : 0 .. ALL - 1) {
      if
      :: HAS(at[slot].heard, me) -> kept = kept | at[slot].knows
      :: else
      fi
    }
    kept = BASE + ALIKE * SIZE(kept & ~UNCOUNTED);
    if
    :: SUM(HEARD, me) >= SYNC_QUORUM(kept) ->
      at[n].votes = 1;
      for (slot : 0 .. ALL - 1) { at[slot].heard = at[slot].heard & ~BIT(me); at[slot].waits = at[slot].waits & ~BIT(me); at[slot].watched = at[slot].watched & ~BIT(me) }
#if NEWCOMERS > 1
      fresh[me] = 0;
#endif
      sort()
    :: else
    fi }
  od
}
#endif

init {
  atomic {
    for (slot : 0 .. BASE - 1) { at[slot].votes = 1 }
    for (slot : 0 .. ALL - 1) { run Witness(slot) }
#ifdef PROGRESS
    run Persistent();
#else
    run Claimant(0, CLAIMS_A, RENEWALS_A);
#endif
    run Claimant(1, CLAIMS_B, RENEWALS_B);
#if NEWCOMERS > 0
    for (slot : 0 .. NEWCOMERS - 1) { run Newcomer(slot) }
#endif
    slot = 0
  }
}
