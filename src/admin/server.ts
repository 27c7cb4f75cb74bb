/** The admin API on a unix socket, for the command line and for scripts. */
import { createServer } from 'node:http';
import type { Logger } from '../../overlay/ports.js';
import { adminHandler } from './handler.js';
import {
  CHECK_INTERVAL_MS,
  CONNECTIONS_MAX,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
} from './limits.js';
import { listenAt } from './listen.js';
import type { AdminTarget } from './target.js';

export interface AdminServer {
  /**
   * Cuts all clients off and removes the socket. Close it last: for `overlay down` the node is gone
   * when the socket is.
   */
  close(): Promise<void>;
}

/**
 * Serves `control` on the unix socket `socketPath` (mode 0660, of the directory's group).
 *
 * @throws CodedError<ListenErrorCode>, `already-running` if another node answers there.
 */
export async function startAdmin(
  socketPath: string,
  control: AdminTarget,
  logger: Logger,
): Promise<AdminServer> {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    adminHandler(control, logger),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', (_error, socket) => {
    // Garbage gets one plain answer if the other side still reads, then the line is cut.
    if (socket.writable) socket.write('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    socket.destroy();
  });
  const removeSocket = await listenAt(server, socketPath);
  server.on('error', (error) => {
    logger.error('the admin socket failed', { error: error.message });
  });
  let closing: Promise<void> | null = null;
  return {
    close: () => {
      closing ??= new Promise<void>((resolve) => {
        removeSocket();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
      return closing;
    },
  };
}
