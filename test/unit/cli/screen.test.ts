/**
 * Goal: a terminal is taken over and given back whole, whoever ends it, and tells keys and sizes.
 * Method: streams and a process of event emitters that record what is written and set.
 */
import { expect } from 'chai';
import { EventEmitter } from 'node:events';
import type { ScreenEvents } from '../../../src/cli/context.js';
import { openScreen, type ScreenProcess } from '../../../src/cli/live/screen.js';

class FakeInput extends EventEmitter {
  raw = false;
  reading = false;
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  setRawMode(raw: boolean): this {
    this.raw = raw;
    return this;
  }

  setEncoding(): this {
    return this;
  }

  resume(): this {
    this.reading = true;
    return this;
  }

  pause(): this {
    this.reading = false;
    return this;
  }
}

class FakeTerminal extends EventEmitter {
  columns = 80;
  rows = 3;
  text = '';

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

class FakeProcess extends EventEmitter {
  readonly stdin: FakeInput;
  readonly stdout = new FakeTerminal();

  constructor(isTTY = true) {
    super();
    this.stdin = new FakeInput(isTTY);
  }
}

function recorder(): ScreenEvents & { readonly log: string[] } {
  const log: string[] = [];
  return {
    log,
    key: (key) => log.push(key),
    resized: () => log.push('resized'),
    ended: () => log.push('ended'),
  };
}

function listeners(host: FakeProcess): number {
  return [host, host.stdin, host.stdout]
    .flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name)))
    .reduce((sum, count) => sum + count, 0);
}

describe('cli/live/screen', () => {
  const ESC = '\u001b';

  it('takes the terminal over, draws, and gives it back once', () => {
    const host = new FakeProcess();
    const screen = openScreen(host as unknown as ScreenProcess, recorder());
    expect(host.stdout.text).to.equal(`${ESC}[?1049h${ESC}[?25l${ESC}[?7l`);
    expect(host.stdin).to.include({ raw: true, reading: true });
    expect([screen.columns, screen.rows]).to.deep.equal([80, 3]);
    host.stdout.text = '';
    screen.draw(['one', 'two']);
    expect(host.stdout.text).to.equal(`${ESC}[H${ESC}[Kone\r\n${ESC}[Ktwo\r\n${ESC}[J`);
    host.stdout.text = '';
    screen.draw(['one', 'two', 'three']);
    expect(host.stdout.text.endsWith(`${ESC}[Kthree`), 'no line break at the bottom').to.equal(
      true,
    );
    host.stdout.text = '';
    screen.close();
    screen.close();
    expect(host.stdout.text).to.equal(`${ESC}[?7h${ESC}[?25h${ESC}[?1049l`);
    expect(host.stdin).to.include({ raw: false, reading: false });
    expect(listeners(host)).to.equal(0);
  });

  it('gives the terminal back when the process ends', () => {
    const host = new FakeProcess();
    openScreen(host as unknown as ScreenProcess, recorder());
    host.emit('exit');
    expect(host.stdout.text.endsWith(`${ESC}[?1049l`)).to.equal(true);
    expect(host.stdin.raw).to.equal(false);
  });

  it('tells keys one by one, Ctrl-C as an end, and no letters of arrow keys', () => {
    const host = new FakeProcess();
    const events = recorder();
    openScreen(host as unknown as ScreenProcess, events);
    host.stdin.emit('data', 'pq');
    host.stdin.emit('data', `${ESC}[A`);
    host.stdin.emit('data', '\u0003');
    expect(events.log).to.deep.equal(['p', 'q', 'ended']);
  });

  it('ends by signals and by a terminal that is gone, and tells new sizes', () => {
    const host = new FakeProcess();
    const events = recorder();
    const screen = openScreen(host as unknown as ScreenProcess, events);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) host.emit(signal);
    host.stdin.emit('end');
    host.stdout.columns = 40;
    host.stdout.emit('resize');
    expect(events.log).to.deep.equal(['ended', 'ended', 'ended', 'ended', 'resized']);
    expect(screen.columns).to.equal(40);
  });

  it('leaves an input alone that is no terminal', () => {
    const host = new FakeProcess(false);
    const screen = openScreen(host as unknown as ScreenProcess, recorder());
    expect(host.stdin).to.include({ raw: false, reading: false });
    expect(host.stdin.eventNames()).to.deep.equal([]);
    screen.close();
    expect(listeners(host)).to.equal(0);
  });
});
