/**
 * The outcome of judging something a peer, a file or a user sent: a value, or a typed rejection.
 * Decoding never throws on foreign input, so that an exception there is always a bug of ours.
 */
export type Result<Value, Code extends string = string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: Code; readonly detail: string };

export function ok<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

export function reject<Code extends string>(
  code: Code,
  detail: string,
): { readonly ok: false; readonly code: Code; readonly detail: string } {
  return { ok: false, code, detail };
}
