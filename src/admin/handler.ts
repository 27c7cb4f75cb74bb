/**
 * Serves the admin verbs over HTTP: `POST /v1/<verb>` with a JSON object (or nothing) as body. Replies are
 * JSON; streams are NDJSON, one item a line. Errors are `{"error":{"code","message"}}`, as a body with
 * a 4xx or 5xx status, or as the last line of a stream that had begun.
 *
 * It knows no socket, so that the dashboard can mount the same handler.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError, hasCode } from '../../overlay/base/errors.js';
import type { Logger } from '../../overlay/ports.js';
import type { ControlErrorCode } from '../node/control.js';
import { DRAIN_TIMEOUT_MS, REQUEST_BYTES_MAX } from './limits.js';
import type { AdminTarget } from './target.js';
import { findVerb } from './verbs/table.js';
import type { ReplyVerb, StreamVerb } from './verb.js';

const PREFIX = '/v1/';
const JSON_TYPE = 'application/json';

type RequestErrorCode =
  'unknown-verb' | 'bad-method' | 'bad-type' | 'too-large' | 'bad-json' | 'bad-request' | 'gone';

const HTTP_STATUS: Readonly<Record<RequestErrorCode | ControlErrorCode, number>> = {
  'unknown-verb': 404,
  'bad-method': 405,
  'bad-type': 415,
  'too-large': 413,
  'bad-json': 400,
  'bad-request': 400,
  gone: 400,
  'not-found': 404,
  'not-allowed': 403,
  unreachable: 504,
  unavailable: 503,
};

function refuse(code: RequestErrorCode, message: string): never {
  throw new CodedError<RequestErrorCode>(code, message);
}

/** Collects the body up to the limit. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    // A refused request must stay open, or its refusal could not be sent.
    const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of body) {
      total += chunk.length;
      if (total > REQUEST_BYTES_MAX) {
        refuse('too-large', `a request is at most ${String(REQUEST_BYTES_MAX)} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    refuse('gone', 'the request ended early');
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readRequest(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request);
  if (body.trim() === '') return {};
  // Also keeps web pages out: a browser sends this type across origins only after asking first.
  const type = request.headers['content-type']?.split(';')[0]?.trim();
  if (type !== JSON_TYPE) refuse('bad-type', `the content type must be ${JSON_TYPE}`);
  try {
    return JSON.parse(body);
  } catch {
    return refuse('bad-json', 'the request is not valid JSON');
  }
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    // After a refused body the rest of it may still be coming: such a connection is not used again.
    ...(status === HTTP_STATUS['too-large'] ? { connection: 'close' } : {}),
  });
  response.end(body);
}

interface ErrorBody {
  readonly status: number;
  readonly body: { readonly error: { readonly code: string; readonly message: string } };
}

/** What a client may know of an error: all of a coded one, nothing of a bug but that it was logged. */
function describe(error: unknown, logger: Logger): ErrorBody {
  if (hasCode(error)) {
    const status = (HTTP_STATUS as Readonly<Record<string, number>>)[error.code] ?? 500;
    return { status, body: { error: { code: error.code, message: error.message } } };
  }
  logger.error('an admin request failed', { error: error instanceof Error ? error.stack : error });
  const message = 'the node failed to answer: see its log for the reason';
  return { status: 500, body: { error: { code: 'internal', message } } };
}

/** Resolves when the client has taken what was written, false if it took too long or went away. */
function drained(response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (value: boolean) => (): void => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      response.off('close', onClose);
      resolve(value);
    };
    const onDrain = settle(true);
    const onClose = settle(false);
    const timer = setTimeout(settle(false), DRAIN_TIMEOUT_MS);
    response.once('drain', onDrain);
    response.once('close', onClose);
    if (response.destroyed) onClose();
  });
}

/** The next item, or an end as soon as the client is gone: not every source ends by itself then. */
function nextOf(
  iterator: AsyncIterator<object>,
  signal: AbortSignal,
): Promise<IteratorResult<object>> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      resolve({ done: true, value: undefined });
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', end);
      });
  });
}

async function sendStream(
  response: ServerResponse,
  items: AsyncIterable<object>,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  // The first item is awaited before the head is sent: a peer that is not found is then a plain 404.
  let next = await nextOf(iterator, signal);
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  try {
    while (next.done !== true && !signal.aborted) {
      if (!response.write(`${JSON.stringify(next.value)}\n`) && !(await drained(response))) {
        response.destroy();
        return;
      }
      next = await nextOf(iterator, signal);
    }
    response.end();
  } catch (error) {
    response.end(`${JSON.stringify(describe(error, logger).body)}\n`);
  } finally {
    // Not awaited, for the same reason as above.
    void iterator.return?.().catch(() => undefined);
  }
}

/** Carries a checked verb out and answers. */
async function answer(
  verb: ReplyVerb | StreamVerb,
  given: unknown,
  target: AdminTarget,
  response: ServerResponse,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  if (verb.kind === 'stream') {
    const run = verb.prepare(given);
    if (!run.ok) return refuse(run.code, run.detail);
    return sendStream(response, run.value(target, signal), signal, logger);
  }
  const run = verb.prepare(given);
  if (!run.ok) return refuse(run.code, run.detail);
  const reply = await run.value(target, signal);
  const { after } = verb;
  if (after !== null) {
    const run = (): void => {
      after(target);
    };
    // `close` rather than `finish`: it comes also when the client did not stay for the reply.
    if (signal.aborted) run();
    else response.once('close', run);
  }
  sendJson(response, 200, reply);
}

/** @returns a listener for `node:http`; it never throws and answers every request once. */
export function adminHandler(
  target: AdminTarget,
  logger: Logger,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    const serve = async (): Promise<void> => {
      try {
        const path = (request.url ?? '').split('?')[0] ?? '';
        const name = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : '';
        const verb = findVerb(name);
        if (verb === null) return refuse('unknown-verb', 'there is no such verb');
        if (request.method !== 'POST') return refuse('bad-method', 'verbs are called with POST');
        await answer(verb, await readRequest(request), target, response, gone.signal, logger);
      } catch (error) {
        const { status, body } = describe(error, logger);
        if (response.headersSent) response.destroy();
        else sendJson(response, status, body);
      }
    };
    void serve();
  };
}
