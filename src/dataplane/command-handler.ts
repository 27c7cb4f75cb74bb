/** Carries commands out on an engine, in their order. */
import { CodedError, messageOf } from '../../overlay/base/errors.js';
import type { Command, Report } from './commands.js';
import type { DatagramSocket } from './batch-io.js';
import type { DataSocketOptions } from '../../overlay/link/data-plane.js';
import type { Engine } from './engine/engine.js';

export interface CommandHost {
  readonly engine: Engine;
  /** The socket is about to be closed. */
  closing(id: number): void;
  report(report: Report): void;
  stop(): void;
}

/** Everything but opening sockets, which may take time. */
export function carryOut(
  host: CommandHost,
  command: Exclude<Command, { kind: 'open-socket' }>,
): void {
  const { engine } = host;
  switch (command.kind) {
    case 'close-socket':
      host.closing(command.socket);
      engine.closeSocket(command.socket);
      return;
    case 'own-addresses':
      engine.setOwnAddresses(command.address4, command.address6);
      return;
    case 'open-link':
      engine.openLink(command.link, command.scheduling);
      return;
    case 'close-link':
      engine.closeLink(command.link);
      return;
    case 'scheduling':
      engine.setScheduling(command.link, command.scheduling);
      return;
    case 'peer-addresses':
      engine.setPeerAddresses(command.link, command.address4, command.address6);
      return;
    case 'keys':
      engine.installKeys(command.link, command.keys, command.role, command.fresh);
      return;
    case 'paths':
      engine.setPaths(command.link, command.paths);
      return;
    case 'control':
      engine.sendControl(command.link, command.message);
      return;
    case 'echo':
      engine.echo(command.link, command.token);
      return;
    case 'send':
      engine.send(command.link, command.packets);
      return;
    case 'facts':
      host.report({ kind: 'facts', request: command.request, links: engine.facts() });
      return;
    case 'stop':
      host.stop();
  }
}

export function addSocket(
  host: CommandHost,
  id: number,
  options: DataSocketOptions,
  socket: DatagramSocket,
): void {
  host.engine.addSocket(id, socket, options);
  host.report({ kind: 'socket-opened', socket: id, port: socket.port });
}

export function refuseSocket(host: CommandHost, id: number, error: unknown): void {
  const errno = error instanceof CodedError ? error.fields['errno'] : null;
  host.report({
    kind: 'socket-refused',
    socket: id,
    message: messageOf(error),
    errno: typeof errno === 'string' ? errno : null,
  });
}
