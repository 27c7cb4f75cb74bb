/**
 * Hearing from the kernel that links, addresses or routes have changed. What exactly is never looked
 * at: who is woken reads everything anew, so a lost or unknown message does no harm.
 */
import { checked, errnoName, type Libc } from './libc.js';
import { NLM_F_REQUEST, openRouteSocket, SOL_NETLINK } from './netlink.js';
import { encodeMessage, viewOf } from './netlink-wire.js';
import { Readiness } from './readiness.js';

const NETLINK_ADD_MEMBERSHIP = 1;
/** RTNLGRP_LINK, RTNLGRP_{IPV4,IPV6}_IFADDR, RTNLGRP_{IPV4,IPV6}_ROUTE of rtnetlink.h. */
const GROUPS: readonly number[] = [1, 5, 9, 7, 11];
/**
 * RTNLGRP_NEXTHOP: routes go with the entry for their gateway, and nothing is said of the routes. Kernels
 * before 5.3 have neither the entries nor the group.
 */
const NEXT_HOP_GROUP = 32;
const NLMSG_NOOP = 1;

/** Of each message so much is copied; the kernel throws the rest away. */
const DISCARD_BYTES = 16;
/** More than a socket's default buffer holds. What comes meanwhile wakes again. */
const DRAINED_MESSAGES_MAX = 1024;

export interface InterfaceEvents {
  /** Calls `woken` once, when something may have changed. Never after `close`. */
  wait(woken: () => void): void;
  /** Forgets what has come so far. Returns the name of an error that will come again, or null. */
  drain(): string | null;
  close(): void;
}

/** Keeps the process alive while it waits. */
export class NetlinkEvents implements InterfaceEvents {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #readiness: Readiness;
  readonly #discarded = new Uint8Array(DISCARD_BYTES);
  #open = true;

  /** Hears of everything that changes from now on. @throws SystemCallError */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = openRouteSocket(libc);
    try {
      this.#subscribe();
      this.#readiness = new Readiness(libc, this.#fd);
    } catch (error) {
      libc.close(this.#fd);
      throw error;
    }
  }

  wait(woken: () => void): void {
    this.#readiness.wait(woken);
  }

  drain(): string | null {
    for (let received = 0; received < DRAINED_MESSAGES_MAX; received++) {
      const length = this.#libc.recv(this.#fd, this.#discarded, DISCARD_BYTES, 0);
      if (length >= 0) continue;
      const errno = errnoName(-length);
      if (errno === 'EAGAIN') return null;
      // ENOBUFS: messages were lost. Those that were not are still to come.
      if (errno !== 'ENOBUFS' && errno !== 'EINTR') return errno;
    }
    return null;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    void this.#readiness.close().then(() => {
      this.#libc.close(this.#fd);
    });
  }

  /** @returns 0 or a negative errno */
  #join(group: number): number {
    const value = new Uint8Array(4);
    viewOf(value).setUint32(0, group, true);
    const option = [SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, value, value.length] as const;
    return this.#libc.setsockopt(this.#fd, ...option);
  }

  #subscribe(): void {
    for (const group of GROUPS) checked('setsockopt', this.#join(group));
    const result = this.#join(NEXT_HOP_GROUP);
    if (result < 0 && errnoName(-result) !== 'EINVAL') checked('setsockopt', result);
    // The kernel tells only sockets that have a port, and gives one with the first message sent. This
    // one is answered by nothing.
    const nothing = encodeMessage({
      type: NLMSG_NOOP,
      flags: NLM_F_REQUEST,
      sequence: 0,
      payload: new Uint8Array(0),
    });
    checked('send', this.#libc.send(this.#fd, nothing, nothing.length, 0));
  }
}
