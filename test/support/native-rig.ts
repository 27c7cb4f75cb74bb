/** An arena with what the native back end needs around it. */
import { SendBatch } from '../../overlay/batch/send-batch.js';
import { Arena } from '../../src/dataplane/native/arena.js';
import { loadBatchCalls, type BatchCalls } from '../../src/dataplane/native/calls.js';
import { SCRATCH_BYTES, type CipherScratch } from '../../src/dataplane/native/cipher.js';
import { Messages } from '../../src/dataplane/native/messages.js';

export interface NativeRig {
  readonly calls: BatchCalls;
  readonly arena: Arena;
  readonly messages: Messages;
  readonly scratch: CipherScratch;
  readonly batch: SendBatch;
}

const BATCH_BYTES = 1 << 20;

export function nativeRig(): NativeRig {
  const calls = loadBatchCalls();
  const arena = new Arena(calls, 8 << 20);
  const messages = new Messages(arena);
  const scratch = { arena, offset: arena.region(SCRATCH_BYTES) };
  const batch = new SendBatch(arena.memory, arena.region(BATCH_BYTES), BATCH_BYTES, 1024);
  return { calls, arena, messages, scratch, batch };
}
