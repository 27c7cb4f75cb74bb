/**
 * A relay of datagrams on loopback between two ports, as long a way as it is told, which drops some of the large ones on
 * the way there.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';
/** Acknowledgements and probes pass. */
const LARGE_BYTES_MIN = 500;
/** So what is sent again a round trip later passes, as long as no more than 100 of them pass in one. */
const LOSS_CYCLE = 140;
const LOSS_PHASE = 20;
const LOSS_EACH = 4;

export interface LossyRelay {
  /** Where the one sends to, and where the other does. */
  readonly fromPort: number;
  readonly toPort: number;
  /** Large datagrams dropped so far. */
  readonly dropped: number;
  /** From now on some large ones are dropped: of each `LOSS_CYCLE` a few of the first, or none. */
  setLossy(isLossy: boolean): void;
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
  /** One way. */
  readonly delayMs: number;
}): Promise<LossyRelay> {
  const [near, far] = [await bound(), await bound()];
  let lossy = false;
  let large = 0;
  let dropped = 0;
  let isOpen = true;
  // Timers of one delay fire in the order in which they were set.
  const later = (send: () => void): void => {
    setTimeout(() => {
      if (isOpen) send();
    }, ports.delayMs);
  };
  near.on('message', (message) => {
    if (message.length >= LARGE_BYTES_MIN) {
      const isDropped = lossy && large % LOSS_CYCLE < LOSS_PHASE && large % LOSS_EACH === 0;
      large += 1;
      if (isDropped) {
        dropped += 1;
        return;
      }
    }
    later(() => {
      far.send(message, ports.to, HOST);
    });
  });
  far.on('message', (message) => {
    later(() => {
      near.send(message, ports.from, HOST);
    });
  });
  return {
    fromPort: near.address().port,
    toPort: far.address().port,
    get dropped() {
      return dropped;
    },
    setLossy: (isLossy) => {
      lossy = isLossy;
    },
    close: () => {
      isOpen = false;
      near.close();
      far.close();
    },
  };
}
