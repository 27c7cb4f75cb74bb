import { expect } from 'chai';
import { textLine } from '../../../src/cli/ui/log.js';
import { openUi, type UiOptions } from '../../../src/cli/ui/open.js';
import { FakeControl } from '../admin/fake-control.js';
import { FakeContext } from './fake-context.js';

const PLAIN: UiOptions = { json: false, logFormat: 'text', logLevel: 'info' };

describe('cli/ui', () => {
  const status = new FakeControl().status();

  async function told(options: Partial<UiOptions>): Promise<FakeContext> {
    const context = new FakeContext();
    const ui = await openUi(context, { ...PLAIN, ...options });
    ui.progress('asking for an address');
    ui.invite('ovl1abc');
    ui.ready(status);
    ui.notice('a new path\u001b[2J');
    ui.logger.debug('not shown');
    ui.logger.warn('peer refused', { peer: '12D3', reason: 'a b', none: undefined });
    ui.close();
    return context;
  }

  it('tells a person results on stdout and the rest on stderr', async () => {
    const { out, err } = await told({});
    expect(out.lines).to.deep.equal([
      'overlay join ovl1abc',
      'address 10.77.3.9 in 0.4 s, device ov0 up, 1 peer',
    ]);
    expect(err.lines.slice(0, 3)).to.deep.equal([
      'asking for an address...',
      'to add a machine, run there:',
      'a new path�[2J',
    ]);
    expect(err.lines).to.have.length(4);
    expect(err.lines[3]).to.match(/^[\d:.]{12} warn {2}peer refused {2}peer=12D3 {2}reason="a b"$/);
  });

  it('tells a script one JSON object a line', async () => {
    const { out, err } = await told({ json: true });
    const events = out.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ schema, event }) => [schema, event])).to.deep.equal([
      [1, 'progress'],
      [1, 'invite'],
      [1, 'ready'],
      [1, 'notice'],
    ]);
    expect(events[0]).to.include({ text: 'asking for an address' });
    expect(events[1]).to.include({ invite: 'ovl1abc' });
    expect(events[2]).to.deep.include({ address4: '10.77.3.9', device: status.device });
    expect(err.lines).to.have.length(1);
  });

  it('logs JSON on request, fields apart from the line itself', async () => {
    const { err } = await told({ json: true, logFormat: 'json' });
    const line = JSON.parse(err.text) as Record<string, unknown>;
    expect(line).to.deep.include({
      level: 'warn',
      msg: 'peer refused',
      fields: { peer: '12D3', reason: 'a b' },
    });
    expect(Date.parse(String(line['time']))).to.be.closeTo(Date.now(), 10_000);
  });

  it('writes steps as plain lines on a terminal of unknown width', async () => {
    const context = new FakeContext(true);
    context.err.columns = 0;
    const ui = await openUi(context, PLAIN);
    ui.progress('asking for an address');
    expect(context.err.text).to.equal('asking for an address...\n');
    ui.close();
  });

  it('shows no spinner on a terminal for a start that is quick', async () => {
    const context = new FakeContext(true);
    context.err.columns = 80;
    const ui = await openUi(context, PLAIN);
    ui.progress('asking for an address');
    ui.ready(status);
    ui.close();
    expect(context.err.text).to.equal('');
    expect(context.out.lines).to.have.length(1);
  });

  it('can be silent', async () => {
    const { err } = await told({ json: true, logLevel: 'silent' });
    expect(err.text).to.equal('');
  });

  it('survives fields that JSON cannot hold', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const line = textLine(new Date(0), 'error', 'x', { cycle, big: 1n, error: new Error('no\n') });
    expect(line).to.equal('00:00:00.000 error x  cycle=[object Object]  big=1  error="no\\n"\n');
  });
});
