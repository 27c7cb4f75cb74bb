/**
 * Sends UDP datagrams as fast as the system takes them.
 *
 *   node udp-blast.js <address> <port> <seconds> <bytes>
 *
 * Prints `{packets}`: how many the system took.
 */
import { createSocket } from 'node:dgram';

// Enough outstanding sends to keep the device's queue full, few enough to stop on time.
const OUTSTANDING_MAX = 64;

const [address = '', port = '', seconds = '', bytes = ''] = process.argv.slice(2);
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
const payload = Buffer.alloc(Number(bytes), 0x5a);
const deadline = performance.now() + Number(seconds) * 1000;
let packets = 0;
let outstanding = 0;
let reported = false;

function sendNext(): void {
  if (performance.now() >= deadline) {
    if (outstanding > 0 || reported) return;
    reported = true;
    socket.close();
    process.stdout.write(`${JSON.stringify({ packets })}\n`);
    return;
  }
  outstanding += 1;
  socket.send(payload, Number(port), address, (error) => {
    outstanding -= 1;
    // A full queue (ENOBUFS) or an unreachable peer is part of the exercise.
    if (error === null) packets += 1;
    // Leaves room for the socket's own events between sends.
    setImmediate(sendNext);
  });
}

for (let index = 0; index < OUTSTANDING_MAX; index++) sendNext();
