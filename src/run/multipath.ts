/** The data plane of a run, and what links over it need of the machine. */
import { messageOf } from '../../overlay/base/errors.js';
import type { DataPlane } from '../../overlay/link/data-plane.js';
import type { Clock, Interfaces, Logger } from '../../overlay/ports.js';
import type { LinuxTunDevice } from '../io/linux/tun.js';
import { NodeKeyAgreement } from '../io/node-key-agreement.js';
import type { NodeIdentity } from '../node/identity.js';
import type { MultipathPorts } from '../node/node-parts.js';
import type { SchedulingChoices } from '../node/scheduling-choices.js';
import type { Closers } from './closers.js';
import { overlayAddresses } from './filter.js';
import type { RunOptions } from './options.js';

export interface MultipathRun {
  readonly options: RunOptions;
  readonly identity: NodeIdentity;
  readonly device: LinuxTunDevice | null;
  readonly scheduling: SchedulingChoices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly closers: Closers;
}

/** Null: there are to be none, or this machine cannot. The code of it is loaded only when it is wanted. */
export async function openMultipath(run: MultipathRun): Promise<MultipathPorts | null> {
  const { options, identity, device, closers, scheduling } = run;
  if (options.transports.length === 0) return null;
  const dataPlane = await openDataPlane(run);
  if (dataPlane === null) return null;
  closers.add('data plane', () => dataPlane.close());
  const isOverlayAddress = overlayAddresses(identity);
  const interfaces = await openInterfaces(run, isOverlayAddress);
  closers.add('interfaces', () => {
    interfaces.close();
    return Promise.resolve();
  });
  return {
    dataPlane,
    readsDevice: device !== null,
    interfaces,
    agreement: new NodeKeyAgreement(),
    isOverlayAddress,
    settings: {
      listenPort: options.listenPort,
      interfaces: options.interfaces,
      transports: options.transports,
    },
    schedulingOf: (peer) => scheduling.of(peer),
  };
}

async function openDataPlane({ options, device, logger }: MultipathRun): Promise<DataPlane | null> {
  if (device === null) {
    const { PlainDataPlane } = await import('../dataplane/plain-data-plane.js');
    return new PlainDataPlane(options.mtu);
  }
  try {
    const { NativeDataPlane } = await import('../dataplane/native-data-plane.js');
    return new NativeDataPlane(device, device.mtu);
  } catch (error) {
    logger.warn('links of datagrams cannot be used here: all packets travel in byte streams', {
      reason: messageOf(error),
    });
    return null;
  }
}

async function openInterfaces(
  { options, clock, logger }: MultipathRun,
  ignoreAddress: (ip: string) => boolean,
): Promise<Interfaces> {
  const choice = {
    chosen: options.interfaces.map(({ name }) => name),
    ignoreAddress,
    clock,
    logger,
  };
  if (process.platform === 'linux') {
    const linux = await import('../io/linux/interfaces.js');
    return linux.openInterfaces(choice);
  }
  const { PollingInterfaces } = await import('../io/polling-interfaces.js');
  return new PollingInterfaces(choice);
}
