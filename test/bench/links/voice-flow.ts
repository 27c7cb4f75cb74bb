/**
 * A flow of equal packets at a steady rate, as a call makes it, and the one-way delay of each. Both ends
 * run on one machine, whose monotonic clock is the same for all processes.
 *
 *   node voice-flow.js send <address> <port> <packets> <interval, ms> <bytes>
 *   node voice-flow.js receive <address> <port>
 *
 * The receiver prints `listening`, and a line of {@link VoiceArrivals} when it is ended by SIGTERM.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

export interface VoiceArrivals {
  /** Milliseconds on the way by packet number; the first copy counts. */
  readonly delaysMs: Readonly<Record<string, number>>;
}

/** Number of the packet and nanoseconds at its sending. */
const TIME_OFFSET = 4;

async function send(
  address: string,
  port: number,
  [packets = 0, intervalMs = 0, bytes = 0]: readonly number[],
): Promise<void> {
  const socket = createSocket('udp4');
  const payload = Buffer.alloc(bytes);
  const startMs = performance.now();
  for (let index = 0; index < packets; index++) {
    await sleep(Math.max(0, startMs + index * intervalMs - performance.now()));
    payload.writeUInt32BE(index, 0);
    payload.writeBigUInt64BE(process.hrtime.bigint(), TIME_OFFSET);
    // A packet that the system refuses is a lost one.
    await new Promise((resolve) => {
      socket.send(payload, port, address, resolve);
    });
  }
  socket.close();
}

function receive(address: string, port: number): void {
  const delaysMs: Record<string, number> = {};
  const socket = createSocket('udp4');
  socket.on('message', (payload) => {
    const nowNs = process.hrtime.bigint();
    const sentNs = payload.readBigUInt64BE(TIME_OFFSET);
    delaysMs[String(payload.readUInt32BE(0))] ??= Number(nowNs - sentNs) / 1e6;
  });
  socket.bind(port, address, () => process.stdout.write('listening\n'));
  process.once('SIGTERM', () => {
    const arrivals: VoiceArrivals = { delaysMs };
    process.stdout.write(`${JSON.stringify(arrivals)}\n`);
    socket.close();
  });
}

const [mode, address = '', port = '', ...numbers] = process.argv.slice(2);
if (mode === 'send') await send(address, Number(port), numbers.map(Number));
else if (mode === 'receive') receive(address, Number(port));
else throw new Error(`unknown mode ${String(mode)}`);
