/**
 * Coded errors: what can go wrong in normal operation is named by a `code` from a union, carries its
 * facts as fields, and says in one sentence what failed and what to do next. Bugs of ours are not
 * coded; they fail an `assert`.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'CodedError';
    this.code = code;
    this.fields = fields;
  }
}

/** True when `error` is a {@link CodedError} with one of the given codes (any code if none given). */
export function hasCode<Code extends string>(
  error: unknown,
  ...codes: readonly Code[]
): error is CodedError<Code> {
  if (!(error instanceof CodedError)) return false;
  return codes.length === 0 || (codes as readonly string[]).includes(error.code as string);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Fails when our own reasoning was wrong. Stays on in production: a wrong state must not spread. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition !== true) throw new Error(`assertion failed: ${message}`);
}
