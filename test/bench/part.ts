/** One part of the bench: measures, and says what it found as Markdown. */
import type { SectionName } from './document.js';
import type { BenchSize } from './size.js';

export interface PartContext {
  /** Tells whoever waits what is going on. */
  readonly say: (line: string) => void;
  /** Also find out what the data plane spends its time on. */
  readonly profile: boolean;
}

export interface Part {
  readonly name: SectionName;
  run(size: BenchSize, context: PartContext): Promise<string>;
}
