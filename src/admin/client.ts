/**
 * Calls the admin API of a running node. It loads neither the verbs nor zod: a `status` should cost
 * little more than starting the process.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { CodedError, hasCode } from '../../overlay/base/errors.js';
import { shortSocketPath } from './socket-path.js';
import type { ItemOf, ReplyName, ReplyOf, RequestOf, StreamName } from './verbs/table.js';

/** Codes of the client's own; those of the node (`ControlErrorCode`, `bad-request`...) pass through. */
export type AdminClientErrorCode =
  | 'not-running' // nobody listens on the socket
  | 'not-allowed' // the socket is not ours to use
  | 'broken' // the node went away in mid-answer, or answered something else than our API
  | 'timeout'
  | 'aborted';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Until the reply is complete. A stream has none. */
  readonly timeoutMs?: number;
}

/** Every verb but `leave` answers far quicker, a DHT lookup included. */
const CALL_TIMEOUT_MS = 30_000;
/** Facts of thousands of members fit; bounds a server that is not ours. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;

export class AdminClient {
  readonly #socketPath: string;

  /** @param socketPath absolute; need not exist yet. */
  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** @throws CodedError<AdminClientErrorCode>, or one with the node's own code. */
  async call<Name extends ReplyName>(
    verb: Name,
    request: RequestOf<Name>,
    options: CallOptions = {},
  ): Promise<ReplyOf<Name>> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS);
    const signal =
      options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    const response = await this.#send(verb, request, signal);
    const body = parseJson(await readAll(response, signal));
    if (response.statusCode !== 200) throw remoteError(body);
    return body as ReplyOf<Name>;
  }

  /**
   * Yields the items of a stream; leaving the loop ends it at the node, too.
   *
   * @throws CodedError<AdminClientErrorCode>, or one with the node's own code.
   */
  async *stream<Name extends StreamName>(
    verb: Name,
    request: RequestOf<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<ItemOf<Name>, void> {
    const response = await this.#send(verb, request, signal);
    try {
      if (response.statusCode !== 200) {
        throw remoteError(parseJson(await readAll(response, signal)));
      }
      for await (const line of linesOf(response)) {
        const item = parseJson(line);
        if ('error' in item) throw remoteError(item);
        yield item as ItemOf<Name>;
      }
      // An orderly end completes the message; a node that died leaves it open.
      if (!response.complete) throw broken();
    } catch (error) {
      throw clientError(error, signal);
    } finally {
      response.destroy();
    }
  }

  #send(verb: string, request: object, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const body = JSON.stringify(request);
      const fail = (error: unknown): void => {
        reject(clientError(error, signal));
      };
      try {
        const short = shortSocketPath(this.#socketPath);
        const call = httpRequest({
          socketPath: short.path,
          method: 'POST',
          path: `/v1/${verb}`,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
          // One request, one connection: nothing then keeps the process from ending.
          agent: false,
          signal,
        });
        call.once('error', fail);
        call.once('response', resolve);
        call.once('close', () => {
          short.release();
        });
        call.end(body);
      } catch (error) {
        fail(error);
      }
    });
  }
}

/** Lines of text; `readline` would miss that the stream broke. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string, void> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const text of response as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > REPLY_BYTES_MAX) throw broken();
    yield* lines;
  }
  if (rest !== '') throw broken();
}

async function readAll(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > REPLY_BYTES_MAX) throw broken();
      chunks.push(chunk);
    }
  } catch (error) {
    throw clientError(error, signal);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Falls through: what is not our JSON was not sent by our API.
  }
  throw broken();
}

function broken(): CodedError<AdminClientErrorCode> {
  return new CodedError(
    'broken',
    'the node went away before it answered: see its log, and start it again with overlay up',
  );
}

/** The error a node reported. */
function remoteError(body: object): CodedError {
  const error: unknown = 'error' in body ? body.error : undefined;
  if (typeof error !== 'object' || error === null) return broken();
  if (!('code' in error) || !('message' in error)) return broken();
  return new CodedError(String(error.code), String(error.message));
}

/** Puts what the socket says into terms of the node. */
function clientError(error: unknown, signal: AbortSignal): CodedError {
  if (hasCode(error)) return error;
  if (signal.aborted) {
    const reason: unknown = signal.reason;
    return reason instanceof Error && reason.name === 'TimeoutError'
      ? new CodedError('timeout', 'the node did not answer in time: see its log')
      : new CodedError('aborted', 'the request was cancelled');
  }
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return new CodedError(
        'not-running',
        'the node is not running: start it with overlay up, or name its directory with --state',
      );
    case 'EACCES':
    case 'EPERM':
      return new CodedError(
        'not-allowed',
        'the node of this state directory belongs to another user: run as that user or join its group',
      );
    default:
      return broken();
  }
}
