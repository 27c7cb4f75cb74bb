import { CodedError } from '../../../overlay/base/errors.js';

/** What can go wrong while building or using a lab, as opposed to in the thing under test. */
export type LabErrorCode =
  | 'not-root'
  | 'tool-missing'
  | 'cli-missing' // the project has not been compiled
  | 'command-failed'
  | 'timed-out'
  | 'closed'; // the lab is gone, or the program ended before it did what was waited for

export class LabError extends CodedError<LabErrorCode> {}
