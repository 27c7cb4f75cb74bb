/** What a refusal means to the person who tries to join. */

/** What a member is told that is one no more. */
export const EXPELLED = 'this node was expelled from the network';

/** @param code of a witness or a member, such as `invite-expired` */
export function refusalText(code: string): string {
  switch (code) {
    case 'invite-expired':
      return 'this invite has expired: ask for a new one';
    case 'revoked':
      return 'this invite was revoked: ask for a new one';
    case 'foreign-network':
    case 'bad-signature':
      return 'this invite is not of the network that answers at its addresses: ask for a new one';
    case 'issuer-not-admitted':
      return 'whoever made this invite is not a member of the network: ask somebody else';
    default:
      return `the network refuses this node (${code}): ask for a new invite`;
  }
}
