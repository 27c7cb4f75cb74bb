/** Both data planes keep the contract. */
import { NativeDataPlane } from '../../src/dataplane/native-data-plane.js';
import { PlainDataPlane } from '../../src/dataplane/plain-data-plane.js';
import { dataPlaneContract } from './data-plane-contract.js';

const MTU_BYTES = 1_400;

describe('data plane', () => {
  describe('plain', () => {
    dataPlaneContract(() => new PlainDataPlane(MTU_BYTES));
  });

  describe('native', function () {
    before(function () {
      if (process.platform !== 'linux') this.skip();
    });

    dataPlaneContract(() => new NativeDataPlane(null, MTU_BYTES));
  });
});
