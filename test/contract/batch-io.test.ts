/** The back ends of the data plane, each against the one contract. */
import { NativeIo } from '../../src/dataplane/native/native-io.js';
import { PlainIo } from '../../src/dataplane/plain/plain-io.js';
import type { BatchIo } from '../../src/dataplane/batch-io.js';
import { cipherContract } from './cipher-contract.js';
import { datagramContract } from './datagram-contract.js';

const MEMORY_BYTES = 8 << 20;

const BACK_ENDS: readonly (readonly [string, () => BatchIo])[] = [
  ['native', () => new NativeIo(MEMORY_BYTES)],
  ['plain', () => new PlainIo(MEMORY_BYTES, () => undefined)],
];

for (const [name, create] of BACK_ENDS) {
  describe(`the ${name} back end`, () => {
    describe('seals and opens', () => {
      cipherContract(create);
    });
    describe('sends and receives', () => {
      datagramContract(create);
    });
  });
}
