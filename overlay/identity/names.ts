/** Rules for names people see: networks, hosts, roles and interfaces. */

const NETWORK_NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const HOST_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ROLE = /^[a-z](?:[a-z0-9-]{0,14}[a-z0-9])?$/;
/** Printable ASCII without `/`: covers Linux (15 characters at most), macOS and Windows. */
const INTERFACE_NAME = /^(?=[!-~])[ -.0-~]{1,32}(?<=[!-~])$/;

/** A DNS label is at most this long (RFC 1035, 2.3.4). */
export const HOST_NAME_CHARS_MAX = 63;

/** May issue invites in the network's name. */
export const ROLE_INVITER = 'inviter';
/** Holds the root key. Given by the root key to a peer directly, never by an invite. */
export const ROLE_OWNER = 'owner';

/** 1 to 32 of a-z, 0-9 and inner hyphens: the name is also the domain of the network's hosts. */
export function isNetworkName(text: string): boolean {
  return NETWORK_NAME.test(text);
}

/** A lower-case DNS label (RFC 1123, 2.1): 1 to 63 of a-z, 0-9 and inner hyphens. */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text);
}

/** 1 to 16 of a-z, 0-9 and inner hyphens, beginning with a letter. */
export function isRole(text: string): boolean {
  return ROLE.test(text);
}

export function isInterfaceName(text: string): boolean {
  return INTERFACE_NAME.test(text);
}

/**
 * The host name nearest to what a machine or a person calls itself: the part before the first dot,
 * in lower case, accents dropped, all else turned into hyphens (`Zoë's Mac.local` to `zoe-s-mac`).
 * Null when nothing usable is left.
 */
export function normalizeHostName(text: string): string | null {
  const [label = ''] = text.split('.', 1);
  const name = label
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, HOST_NAME_CHARS_MAX)
    .replace(/-$/, '');
  return isHostName(name) ? name : null;
}
