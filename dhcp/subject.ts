/**
 * What can be claimed, one live owner at a time: an IPv4 address, a host name, or one use of an
 * invite. All three go through the same protocol.
 */
import { utf8Bytes } from '../overlay/base/bytes.js';

export const SUBJECT_KINDS = ['address', 'name', 'invite'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

export interface Subject {
  readonly kind: SubjectKind;
  /** `10.77.3.9`; `nas`; or `<invite id>/<use>`. */
  readonly key: string;
}

/** Longest key: an invite id, a slash and a peer id. */
export const SUBJECT_KEY_CHARS_MAX = 96;

/** One text for tables and logs. */
export function subjectText(subject: Subject): string {
  return `${subject.kind}/${subject.key}`;
}

/** The key whose hash decides who the witnesses are. */
export function subjectHashKey(networkId: string, subject: Subject): Uint8Array {
  return utf8Bytes(`${networkId}/${subjectText(subject)}`);
}
