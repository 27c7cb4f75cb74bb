/** From what libp2p throws to the few codes of the ports. */
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import type { RpcErrorCode } from '../../../overlay/ports.js';
import type { Deadline } from './deadline.js';

/** libp2p tells its errors apart by name; these mean that the connection itself is gone. */
const CONNECTION_LOST = new Set([
  'ConnectionClosedError',
  'MuxerClosedError',
  'MuxerUnavailableError',
  'NotStartedError',
]);

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** A failed dial: nothing distinguishes a dead peer from one that hides, so both are `unreachable`. */
export function dialError(
  error: unknown,
  deadline: Deadline,
  target: string,
): CodedError<RpcErrorCode> {
  if (error instanceof CodedError) return error as CodedError<RpcErrorCode>;
  // A dial that spends its whole time on dead addresses found nobody: that is no late answer.
  if (deadline.fired === 'aborted') return deadline.error();
  return new CodedError<RpcErrorCode>('unreachable', `cannot reach ${target}`, {
    target,
    cause: messageOf(error),
  });
}

/** A failure after the connection was there. */
export function streamError(
  error: unknown,
  deadline: Deadline,
  target: string,
): CodedError<RpcErrorCode> {
  if (error instanceof CodedError) return error as CodedError<RpcErrorCode>;
  if (deadline.fired !== null) return deadline.error();
  if (CONNECTION_LOST.has(nameOf(error))) {
    return new CodedError<RpcErrorCode>('unreachable', `lost the connection to ${target}`, {
      target,
      cause: messageOf(error),
    });
  }
  return new CodedError<RpcErrorCode>('refused', `${target} did not serve the request`, {
    target,
    cause: messageOf(error),
  });
}
