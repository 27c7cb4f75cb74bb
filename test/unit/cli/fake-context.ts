/** A command line without a process: output is collected, and the run it starts is a fake. */
import type { CliContext, Output, Screen, ScreenEvents } from '../../../src/cli/context.js';
import type { RunOptions } from '../../../src/run/options.js';
import type { RunRequest, RunUi } from '../../../src/run/request.js';

export class CollectedOutput implements Output {
  readonly isTTY: boolean;
  columns = 0;
  closed = false;
  text = '';

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

/** A screen that remembers what was drawn, and a person in front of it. */
export class FakeScreen implements Screen {
  columns = 80;
  rows = 24;
  readonly frames: string[][] = [];
  open = true;
  readonly events: ScreenEvents;
  /** Called after each frame. */
  onDraw: (frame: readonly string[], screen: FakeScreen) => void = () => undefined;

  constructor(events: ScreenEvents) {
    this.events = events;
  }

  draw(lines: readonly string[]): void {
    this.frames.push([...lines]);
    this.onDraw(lines, this);
  }

  close(): void {
    this.open = false;
  }
}

export interface StartedRun {
  readonly request: RunRequest;
  readonly options: RunOptions;
}

export class FakeContext implements CliContext {
  readonly env: Record<string, string | undefined> = {};
  readonly uid = 1000;
  readonly out: CollectedOutput;
  readonly err: CollectedOutput;
  stdin = '';
  interrupt: () => void = () => undefined;
  argumentsHidden = false;
  readonly runs: StartedRun[] = [];
  readonly screens: FakeScreen[] = [];
  /** See `FakeScreen.onDraw`. */
  onDraw: FakeScreen['onDraw'] = () => undefined;
  /** What the fake run does; its number is the exit code. */
  run: (ui: RunUi) => Promise<number> = () => Promise.resolve(0);

  constructor(isTTY = false) {
    this.out = new CollectedOutput(isTTY);
    this.err = new CollectedOutput(isTTY);
  }

  readStdin(): Promise<string> {
    return Promise.resolve(this.stdin);
  }

  onInterrupt(fn: () => void): () => void {
    this.interrupt = fn;
    return () => {
      this.interrupt = () => undefined;
    };
  }

  openScreen(events: ScreenEvents): Screen {
    const screen = new FakeScreen(events);
    screen.onDraw = this.onDraw;
    this.screens.push(screen);
    return screen;
  }

  hideArguments(): void {
    this.argumentsHidden = true;
  }

  loadRunNode(): ReturnType<CliContext['loadRunNode']> {
    return Promise.resolve((request, options, ui) => {
      this.runs.push({ request, options });
      return this.run(ui);
    });
  }
}
