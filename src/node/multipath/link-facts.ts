/** Facts of a link with what the data plane does not know: the interfaces of its paths. */
import type {
  DatagramPathFacts,
  DatagramTransport,
  Endpoint,
  LinkFacts,
} from '../../../overlay/link/data-plane.js';
import type { OwnCandidate } from './candidates.js';

export interface NamedPathFacts extends DatagramPathFacts {
  /** Null for a path whose socket was closed a moment ago. */
  readonly interface: string | null;
  readonly transport: DatagramTransport;
  readonly local: Endpoint | null;
}

export interface NamedLinkFacts extends LinkFacts {
  readonly paths: readonly NamedPathFacts[];
}

export function namedFacts(facts: LinkFacts, own: readonly OwnCandidate[]): NamedLinkFacts {
  return {
    ...facts,
    paths: facts.paths.map((path) => {
      const socket = own.find((one) => one.socket === path.socket);
      return {
        ...path,
        interface: socket?.interfaceName ?? null,
        transport: socket?.transport ?? 'udp',
        local: socket === undefined ? null : { address: socket.text, port: socket.port },
      };
    }),
  };
}
