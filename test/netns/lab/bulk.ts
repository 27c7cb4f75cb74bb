/**
 * Moves a known stream of bytes over one TCP connection and tells its SHA-256 and time.
 *
 *   node bulk.js receive <listen address> <port>      serves one connection, then ends
 *   node bulk.js send <address> <port> <bytes>
 *
 * Each prints one line of JSON: `{bytes, sha256, seconds, from?}`.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

// As large as one write of a fast program; small enough that the hash keeps up.
const CHUNK_BYTES = 1 << 16;
// Must not divide the chunk size, so that every chunk differs and a swap or repeat shows.
const PATTERN_BYTES = 65_521;

/** Pseudo-random bytes; compressible data would flatter anything that compresses. */
function pattern(): Buffer {
  const bytes = Buffer.alloc(PATTERN_BYTES + CHUNK_BYTES);
  let state = 0x9e3779b9;
  for (let index = 0; index < PATTERN_BYTES; index++) {
    // xorshift32 (Marsaglia, 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  bytes.copy(bytes, PATTERN_BYTES, 0, CHUNK_BYTES);
  return bytes;
}

function report(facts: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

async function send(address: string, port: number, total: number): Promise<void> {
  const socket = connect({ host: address, port });
  await once(socket, 'connect');
  const start = performance.now();
  const hash = createHash('sha256');
  const bytes = pattern();
  for (let sent = 0; sent < total; sent += CHUNK_BYTES) {
    const offset = sent % PATTERN_BYTES;
    const chunk = bytes.subarray(offset, offset + Math.min(CHUNK_BYTES, total - sent));
    hash.update(chunk);
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  // The other side closes when it has everything: only then is the time that of the transfer.
  socket.resume();
  await once(socket, 'close');
  const seconds = (performance.now() - start) / 1000;
  report({ bytes: total, sha256: hash.digest('hex'), seconds });
}

async function receive(address: string, port: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, address);
  await once(server, 'listening');
  process.stdout.write('listening\n');
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  const from = socket.remoteAddress;
  const start = performance.now();
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const seconds = (performance.now() - start) / 1000;
  report({ bytes, sha256: hash.digest('hex'), seconds, from });
  socket.end();
}

const [mode, address = '', port = '', bytes = ''] = process.argv.slice(2);
if (mode === 'send') await send(address, Number(port), Number(bytes));
else if (mode === 'receive') await receive(address, Number(port));
else throw new Error(`unknown mode ${String(mode)}`);
