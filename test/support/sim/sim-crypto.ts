/** The cheap signatures of simulations, with the hash function of this machine. */
import { createHash } from 'node:crypto';
import { cheapCrypto } from '../../../sim/core/cheap-crypto.js';

export const simCrypto = cheapCrypto(
  (data) => new Uint8Array(createHash('sha256').update(data).digest()),
);
