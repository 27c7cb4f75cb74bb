/** Both data planes keep the contract. */
import { NativeDataPlane } from '../../src/dataplane/native-data-plane.js';
import { PlainDataPlane } from '../../src/dataplane/plain-data-plane.js';
import { dataPlaneContract } from './data-plane-contract.js';

describe('data plane', () => {
  describe('plain', () => {
    dataPlaneContract(() => new PlainDataPlane());
  });

  describe('native', function () {
    before(function () {
      if (process.platform !== 'linux') this.skip();
    });

    dataPlaneContract(() => new NativeDataPlane(null));
  });
});
