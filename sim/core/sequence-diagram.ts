/** The last messages of a run as a sequence diagram in Mermaid, which most viewers of Markdown draw. */
import type { LoggedEvent } from './event-log.js';

/** More does not fit a screen. */
const HOSTS_MAX = 12;

function clean(text: string): string {
  return text.replace(/[;#\n]/g, ' ');
}

export function sequenceDiagram(events: readonly LoggedEvent[]): string {
  const hosts = new Set<string>();
  const lines: string[] = [];
  for (const { atMs, from, to, what } of events) {
    const named = to === null ? [from] : [from, to];
    if (named.some((host) => !hosts.has(host)) && hosts.size + named.length > HOSTS_MAX) continue;
    for (const host of named) hosts.add(host);
    const text = clean(`${(atMs / 1000).toFixed(3)} s ${what}`);
    lines.push(to === null ? `  Note over ${from}: ${text}` : `  ${from}->>${to}: ${text}`);
  }
  const participants = [...hosts].map((host) => `  participant ${host}`);
  return ['sequenceDiagram', ...participants, ...lines].join('\n');
}
