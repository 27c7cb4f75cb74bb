/** From what libp2p throws to the few codes of the ports. */
import type { Connection } from '@libp2p/interface';
import { CodedError, hasCode, messageOf } from '../../../overlay/base/errors.js';
import type { RpcErrorCode } from '../../../overlay/ports.js';
import type { Deadline } from './deadline.js';

/** libp2p tells its errors apart by name; these mean that the connection itself is gone. */
const CONNECTION_LOST = new Set([
  'ConnectionClosedError',
  'MuxerClosedError',
  'MuxerUnavailableError',
  'NotStartedError',
]);

/** How long after a failed stream its connection may still turn out to have ended. */
const ENDING_GRACE_MS = 50;

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** The errors of the single attempts inside an error of a dial. */
function attemptsOf(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors.flatMap(attemptsOf) : [error];
}

/**
 * A failed dial. `stranger`: a connection was made, but no handshake came about over it, as when the
 * other side has another network key or is not who was asked for; `refused`: the handshake was done
 * and the other side hung up; `unreachable`: everything else, since a dead peer and one that hides
 * look the same.
 */
export function dialError(
  error: unknown,
  deadline: Deadline,
  target: string,
): CodedError<RpcErrorCode> {
  // A dial that spends its whole time on dead addresses found nobody: that is no late answer.
  if (deadline.fired === 'aborted') return deadline.error();
  const fields = { target, cause: messageOf(error) };
  const attempts = attemptsOf(error);
  const names = attempts.map(nameOf);
  const otherKey = attempts.some((attempt) => hasCode<RpcErrorCode>(attempt, 'stranger'));
  if (otherKey || names.includes('EncryptionFailedError')) {
    return new CodedError<RpcErrorCode>('stranger', `no member answers at ${target}`, fields);
  }
  if (names.includes('ConnectionClosedError')) {
    return new CodedError<RpcErrorCode>('refused', `${target} hung up at once`, fields);
  }
  return new CodedError<RpcErrorCode>('unreachable', `cannot reach ${target}`, fields);
}

/**
 * True when `connection` is over, or is within a moment: a peer that stops resets its streams first,
 * and its last packets arrive one by one.
 */
async function isEnding(connection: Connection): Promise<boolean> {
  if (connection.status !== 'open') return true;
  return await new Promise<boolean>((resolve) => {
    const onClose = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(() => {
      connection.removeEventListener('close', onClose);
      resolve(connection.status !== 'open');
    }, ENDING_GRACE_MS);
    connection.addEventListener('close', onClose, { once: true });
  });
}

/** A failure after the connection was there. */
export async function streamError(
  error: unknown,
  deadline: Deadline,
  connection: Connection,
): Promise<CodedError<RpcErrorCode>> {
  if (error instanceof CodedError) return error as CodedError<RpcErrorCode>;
  if (deadline.fired !== null) return deadline.error();
  const peer = connection.remotePeer.toString();
  const fields = { peer, cause: messageOf(error) };
  const name = nameOf(error);
  const answered = name === 'UnsupportedProtocolError';
  if (CONNECTION_LOST.has(name) || (!answered && (await isEnding(connection)))) {
    return new CodedError<RpcErrorCode>('unreachable', `lost the connection to ${peer}`, fields);
  }
  return new CodedError<RpcErrorCode>('refused', `${peer} did not serve the request`, fields);
}
