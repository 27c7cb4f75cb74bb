/**
 * Keeps strangers out of the transport: every byte of a connection is enciphered with the network's
 * pre-shared key before anything else is said, so that one without the key cannot even learn what
 * protocol is spoken here. Members are told apart, and content is protected, by noise inside.
 *
 * Each side first sends 32 random bytes in the clear. What it sends after that is enciphered with
 * ChaCha20 (RFC 8439) under
 *
 *     HKDF-SHA256(ikm = pre-shared key, salt = own nonce | other's nonce, info = "overlay network key v1")
 *
 * so both directions and all connections have keys of their own. The first 16 enciphered bytes are zero:
 * whoever deciphers them to something else holds another key and learns so at once. Without them the
 * first length field would come out random, and either side might wait for bytes that never come.
 *
 * libp2p's `pnet` does the same with XSalsa20. It is not used because its WebAssembly cipher shares
 * one memory between all connections and grows it whenever two of them take turns with large
 * chunks, until the process fails with "Maximum memory size exceeded"; besides, it never frees what a
 * closed connection held.
 */
import './polyfill.js';
import { createCipheriv, hkdfSync, randomBytes, type Cipher } from 'node:crypto';
import type { ConnectionProtector, MessageStream, MultiaddrConnection } from '@libp2p/interface';
import { AbstractMultiaddrConnection, byteStream, type SendResult } from '@libp2p/utils';
import { Uint8ArrayList } from 'uint8arraylist';
import { CodedError } from '../../../overlay/base/errors.js';
import { equalBytes } from '../../../overlay/base/bytes.js';
import type { RpcErrorCode } from '../../../overlay/ports.js';

const NONCE_BYTES = 32;
const KEY_BYTES = 32;
/** ChaCha20 takes counter and nonce as one; both start at zero because every key is used once. */
const INITIAL_BLOCK = new Uint8Array(16);
const INFO = 'overlay network key v1';
/** First bytes in both directions, before they are enciphered. */
const CHECK = new Uint8Array(16);
/** Time for the other side's nonce. */
const EXCHANGE_TIMEOUT_MS = 5_000;

/** @param psk 32 bytes */
export function networkKey(psk: Uint8Array): () => ConnectionProtector {
  return () => ({
    async protect(connection: MultiaddrConnection, options) {
      const signal = options?.signal ?? AbortSignal.timeout(EXCHANGE_TIMEOUT_MS);
      const own = randomBytes(NONCE_BYTES);
      const bytes = byteStream(connection);
      const [answer] = await Promise.all([
        bytes.read({ bytes: NONCE_BYTES, signal }),
        bytes.write(own, { signal }),
      ]);
      const others = answer.subarray();
      // An echo of our own bytes would make both directions use one key stream.
      if (equalBytes(own, others)) {
        throw new CodedError<RpcErrorCode>('stranger', 'the other side only repeats what it hears');
      }
      const outbound = streamCipher(psk, own, others);
      const inbound = streamCipher(psk, others, own);
      const [check] = await Promise.all([
        bytes.read({ bytes: CHECK.length, signal }),
        bytes.write(outbound.update(CHECK), { signal }),
      ]);
      if (!equalBytes(inbound.update(check.subarray()), CHECK)) {
        throw new CodedError<RpcErrorCode>('stranger', 'the other side has another network key');
      }
      return new EncipheredConnection(bytes.unwrap(), outbound, inbound);
    },
  });
}

/** The key stream of the direction whose sender chose `senders`. */
function streamCipher(psk: Uint8Array, senders: Uint8Array, receivers: Uint8Array): Cipher {
  const salt = Buffer.concat([senders, receivers]);
  const key = new Uint8Array(hkdfSync('sha256', psk, salt, INFO, KEY_BYTES));
  return createCipheriv('chacha20', key, INITIAL_BLOCK);
}

class EncipheredConnection extends AbstractMultiaddrConnection {
  readonly #inner: MultiaddrConnection;
  readonly #outbound: Cipher;

  constructor(inner: MultiaddrConnection, outbound: Cipher, inbound: Cipher) {
    super({
      remoteAddr: inner.remoteAddr,
      direction: inner.direction,
      log: inner.log.newScope('network-key'),
    });
    this.#inner = inner;
    this.#outbound = outbound;
    inner.addEventListener('message', ({ data }) => {
      const chunks = data instanceof Uint8Array ? [data] : data;
      for (const chunk of chunks) this.onData(inbound.update(chunk));
    });
    inner.addEventListener('drain', () => {
      this.onMuxerDrain();
    });
    inner.addEventListener('close', (event) => {
      if (event.error == null) this.onTransportClosed();
      else if (event.local === true) this.abort(event.error);
      else this.onRemoteReset();
    });
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const enciphered = new Uint8ArrayList();
    for (const chunk of data) enciphered.append(this.#outbound.update(chunk));
    return { sentBytes: data.byteLength, canSendMore: this.#inner.send(enciphered) };
  }

  override async sendClose(options?: Parameters<MessageStream['close']>[0]): Promise<void> {
    await this.#inner.close(options);
  }

  override sendReset(error: Error): void {
    this.#inner.abort(error);
  }

  override sendPause(): void {
    this.#inner.pause();
  }

  override sendResume(): void {
    this.#inner.resume();
  }
}
