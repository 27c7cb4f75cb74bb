/**
 * The whole terminal as a screen: the alternate buffer of xterm, which nearly every terminal has, so that
 * what was there before is there again afterwards. Sequences are those of ECMA-48 and xterm's ctlseqs.
 */
import type { Screen, ScreenEvents } from '../context.js';

/** What it needs of a process. */
export interface ScreenProcess {
  readonly stdin: Pick<
    NodeJS.ReadStream,
    'isTTY' | 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'resume' | 'pause'
  >;
  readonly stdout: Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** A line that is wider than was thought must not push the others down. */
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';
const HOME = '\u001b[H';
/** From the cursor to the end of the line. */
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const ESCAPE = '\u001b';
/** In raw mode the terminal makes no signal of it. */
const CTRL_C = '\u0003';
/** Stopping by Ctrl-Z is left out: in raw mode it is a character as any other. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export function openScreen(host: ScreenProcess, events: ScreenEvents): Screen {
  const { stdin, stdout } = host;
  const onData = (text: string): void => {
    // Arrows and the like come as a sequence, whose letters nobody typed.
    if (text.startsWith(ESCAPE)) return;
    for (const key of text) {
      if (key === CTRL_C) events.ended();
      else events.key(key);
    }
  };
  const onResize = (): void => {
    events.resized();
  };
  const onEnd = (): void => {
    events.ended();
  };
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    stdout.off('resize', onResize);
    for (const signal of SIGNALS) host.off(signal, onEnd);
    host.off('exit', close);
    if (stdin.isTTY) {
      stdin.off('data', onData).off('end', onEnd);
      stdin.setRawMode(false);
      stdin.pause();
    }
    stdout.write(`${WRAP_ON}${SHOW_CURSOR}${LEAVE}`);
  };
  stdout.on('resize', onResize);
  for (const signal of SIGNALS) host.on(signal, onEnd);
  // However the process ends, the shell gets its terminal back.
  host.on('exit', close);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.setEncoding('utf8').on('data', onData).on('end', onEnd);
    stdin.resume();
  }
  stdout.write(`${ENTER}${HIDE_CURSOR}${WRAP_OFF}`);
  return {
    // Absent where the terminal does not tell, whatever the types say.
    get columns() {
      return (stdout as { readonly columns?: number }).columns ?? 0;
    },
    get rows() {
      return (stdout as { readonly rows?: number }).rows ?? 0;
    },
    draw: (lines) => {
      // In one write and line by line: a screen that is cleared as a whole flickers. What is to be
      // cleared is so before it is written: behind a full line the cursor stands on its last cell.
      const text = lines.map((line) => `${CLEAR_LINE}${line}`).join('\r\n');
      const isFull = stdout.rows > 0 && lines.length >= stdout.rows;
      stdout.write(`${HOME}${text}${isFull ? '' : `\r\n${CLEAR_BELOW}`}`);
    },
    close,
  };
}
