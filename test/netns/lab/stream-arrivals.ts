/**
 * One TCP connection that is kept full for a while, and when its bytes arrived.
 *
 *   node stream-arrivals.js receive <listen address> <port>      serves one connection, then ends
 *   node stream-arrivals.js send <address> <port> <seconds>
 *
 * The receiver prints {@link StreamArrivals}, the sender how many bytes it sent; both fail if the
 * connection is reset.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface StreamArrivals {
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly bytes: number;
  /** Pairs, flat: milliseconds since the last arrival, and bytes that arrived in that millisecond. */
  readonly arrivals: readonly number[];
}

// Two super-packets: a program that stops for a moment does not leave its socket empty.
const CHUNK_BYTES = 1 << 17;

function nowMs(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}

async function send(address: string, port: number, seconds: number): Promise<void> {
  const socket = connect({ host: address, port });
  await once(socket, 'connect');
  const chunk = Buffer.alloc(CHUNK_BYTES, 0x5a);
  const endMs = performance.now() + seconds * 1000;
  let bytes = 0;
  while (performance.now() < endMs) {
    bytes += CHUNK_BYTES;
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  socket.resume();
  await once(socket, 'close');
  process.stdout.write(`${JSON.stringify({ bytes })}\n`);
}

async function receive(address: string, port: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, address);
  await once(server, 'listening');
  process.stdout.write('listening\n');
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  const startMs = nowMs();
  const arrivals: number[] = [];
  let lastMs = startMs;
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const atMs = nowMs();
    bytes += chunk.length;
    if (atMs === lastMs && arrivals.length > 0) {
      arrivals.push((arrivals.pop() ?? 0) + chunk.length);
    } else arrivals.push(atMs - lastMs, chunk.length);
    lastMs = atMs;
  }
  socket.end();
  const printed: StreamArrivals = { startMs, bytes, arrivals };
  process.stdout.write(`${JSON.stringify(printed)}\n`);
}

const [mode, address = '', port = '', seconds = ''] = process.argv.slice(2);
if (mode === 'send') await send(address, Number(port), Number(seconds));
else if (mode === 'receive') await receive(address, Number(port));
else throw new Error(`unknown mode ${String(mode)}`);
