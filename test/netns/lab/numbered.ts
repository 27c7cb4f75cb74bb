/**
 * Numbered UDP datagrams at an even pace, and what became of them.
 *
 *   node numbered.js receive <listen address> <port>      until nothing has come for a second
 *   node numbered.js send <address> <port> <count> <per second> <bytes>
 *
 * The receiver prints {@link NumberedReceived}.
 */
import { createSocket, type Socket, type SocketType } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export interface NumberedReceived {
  /** Different ones. */
  readonly received: number;
  readonly copies: number;
  /** Came after one with a higher number. */
  readonly disordered: number;
  /** Runs of numbers that did not come, before the last that did: first number, and how many. */
  readonly gaps: readonly (readonly [first: number, count: number])[];
  /** Dropped by the system because this program read too slowly: no fault of what is tested. */
  readonly unread: number;
}

const IDLE_MS = 1_000;
const BUFFER_BYTES = 4 << 20;
const GAPS_MAX = 2_000;
/** A program that was kept from running goes on at its pace: a burst would fill the device's queue. */
const BEHIND_MAX = 50;

function typeOf(address: string): SocketType {
  return address.includes(':') ? 'udp6' : 'udp4';
}

/** Datagrams that found a full socket in this namespace, by proc(5). */
function unread(): number {
  const [names = '', values = ''] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Udp:'));
  const v4 = Number(values.split(' ')[names.split(' ').indexOf('RcvbufErrors')]);
  const v6 = /Udp6RcvbufErrors\s+(\d+)/.exec(readFileSync('/proc/net/snmp6', 'utf8'))?.[1];
  return v4 + Number(v6);
}

function judge(numbers: readonly number[], unreadBefore: number): NumberedReceived {
  let disordered = 0;
  let highest = -1;
  for (const number of numbers) {
    if (number < highest) disordered += 1;
    highest = Math.max(highest, number);
  }
  const seen = new Set(numbers);
  const gaps: [number, number][] = [];
  for (let number = 0; number < highest && gaps.length < GAPS_MAX; number++) {
    if (seen.has(number)) continue;
    const last = gaps.at(-1);
    if (last !== undefined && last[0] + last[1] === number) last[1] += 1;
    else gaps.push([number, 1]);
  }
  const received = seen.size;
  return {
    ...{ received, copies: numbers.length - received, disordered, gaps },
    unread: unread() - unreadBefore,
  };
}

async function receive(socket: Socket, address: string, port: number): Promise<void> {
  const unreadBefore = unread();
  const numbers: number[] = [];
  let lastMs = Infinity;
  socket.on('message', (message) => {
    numbers.push(message.readUInt32BE(0));
    lastMs = performance.now();
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  socket.setRecvBufferSize(BUFFER_BYTES);
  process.stdout.write('listening\n');
  const timer = setInterval(() => {
    if (performance.now() - lastMs < IDLE_MS) return;
    clearInterval(timer);
    socket.close();
    process.stdout.write(`${JSON.stringify(judge(numbers, unreadBefore))}\n`);
  }, IDLE_MS / 10);
}

function send(socket: Socket, address: string, port: number, flow: readonly number[]): void {
  const [count = 0, perSecond = 0, bytes = 0] = flow;
  let startMs = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    const due = Math.ceil(((performance.now() - startMs) / 1000) * perSecond);
    const end = Math.min(due, next + BEHIND_MAX, count);
    startMs += ((due - Math.min(due, next + BEHIND_MAX)) / perSecond) * 1000;
    for (; next < end; next++) {
      const message = Buffer.alloc(bytes);
      message.writeUInt32BE(next, 0);
      socket.send(message, port, address);
    }
    if (next < count) return;
    clearInterval(timer);
    setTimeout(() => socket.close(), IDLE_MS / 10);
  }, 1);
}

const [mode, address = '', port = '', ...flow] = process.argv.slice(2);
const socket = createSocket(typeOf(address));
if (mode === 'send') send(socket, address, Number(port), flow.map(Number));
else if (mode === 'receive') await receive(socket, address, Number(port));
else throw new Error(`unknown mode ${String(mode)}`);
