/** The virtual network card of a run. Its code is loaded only when one is wanted. */
import { CodedError } from '../../overlay/base/errors.js';
import type { Logger } from '../../overlay/ports.js';
import type { LinuxTunDevice } from '../io/linux/tun.js';
import type { RunOptions } from './options.js';

/** @throws CodedError whose message names `--no-tun` */
export async function openDevice(
  options: RunOptions,
  logger: Logger,
): Promise<LinuxTunDevice | null> {
  if (!options.tun) return null;
  if (process.platform !== 'linux') {
    throw new CodedError(
      'no-device',
      `there is no virtual network card for ${process.platform} yet: run with --no-tun`,
    );
  }
  const { openTun } = await import('../io/linux/tun.js');
  return await openTun({ name: options.device, mtu: options.mtu, offloads: true, logger });
}
