/** A relay of datagrams on loopback between two ports, which drops some of the large ones on the way there. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';
/** Acknowledgements and probes pass. */
const LARGE_BYTES_MIN = 500;

export interface LossyRelay {
  /** Where the one sends to, and where the other does. */
  readonly fromPort: number;
  readonly toPort: number;
  /** Large datagrams dropped so far. */
  readonly dropped: number;
  /** From now on one of so many large ones is dropped. */
  dropEach(count: number): void;
  close(): void;
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

export async function lossyRelay(ports: {
  readonly from: number;
  readonly to: number;
}): Promise<LossyRelay> {
  const [near, far] = [await bound(), await bound()];
  let each = Infinity;
  let large = 0;
  let dropped = 0;
  near.on('message', (message) => {
    if (message.length >= LARGE_BYTES_MIN) {
      large += 1;
      if (large % each === 0) {
        dropped += 1;
        return;
      }
    }
    far.send(message, ports.to, HOST);
  });
  far.on('message', (message) => {
    near.send(message, ports.from, HOST);
  });
  return {
    fromPort: near.address().port,
    toPort: far.address().port,
    get dropped() {
      return dropped;
    },
    dropEach: (count) => {
      each = count;
    },
    close: () => {
      near.close();
      far.close();
    },
  };
}
