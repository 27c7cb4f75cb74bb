import { expect } from 'chai';
import { NativeIo } from '../../../../src/dataplane/native/native-io.js';
import { RecordOpener, RecordSealer } from '../../../../src/dataplane/native/record-cipher.js';

const KEY = new Uint8Array(32).fill(7);

/** What they do is in the contract of ciphers; going without them would only be slow. */
describe('ciphers of the native back end', () => {
  const io = new NativeIo(1 << 20);

  it('take datagrams of AES-GCM for records, both ways', () => {
    const [sealer, opener] = [io.sealer('aes-256-gcm', KEY), io.opener('aes-256-gcm', KEY)];
    expect(sealer).to.be.instanceOf(RecordSealer);
    expect(opener).to.be.instanceOf(RecordOpener);
    sealer.close();
    opener.close();
  });

  it('do not so with ChaCha20-Poly1305, which makes another nonce of a record', () => {
    const sealer = io.sealer('chacha20-poly1305', KEY);
    expect(sealer).to.not.be.instanceOf(RecordSealer);
    sealer.close();
  });
});
