import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../overlay/base/errors.js';
import { loadConfig, type Environment, type GivenFlags } from '../../../src/config/load.js';
import { rejection, temporaryFolder } from '../../support/temporary-folder.js';

describe('config/load', () => {
  const folder = temporaryFolder();
  const file = (): string => join(folder(), 'config.json');

  function load(given: {
    readonly flags?: GivenFlags;
    readonly env?: Environment;
    readonly file?: unknown;
  }): ReturnType<typeof loadConfig> {
    if (given.file !== undefined) {
      const text = typeof given.file === 'string' ? given.file : JSON.stringify(given.file);
      writeFileSync(file(), text);
    }
    return loadConfig(folder(), given.flags ?? {}, given.env ?? {});
  }

  async function failure(given: Parameters<typeof load>[0]): Promise<CodedError> {
    const error = await rejection(load(given));
    expect(error).to.be.instanceOf(CodedError);
    return error as CodedError;
  }

  it('has a default for everything', async () => {
    const { options, logFormat, logLevel } = await load({});
    expect(options).to.deep.equal({
      stateDir: folder(),
      listenPort: 4242,
      interfaces: [],
      transports: ['udp'],
      scheduler: 'adaptive',
      overflow: false,
      device: null,
      mtu: 1400,
      tun: true,
      superpeer: false,
      quotaBytes: 1_000_000_000,
      relay: true,
      name: null,
      mdns: true,
    });
    expect({ logFormat, logLevel }).to.deep.equal({ logFormat: 'text', logLevel: 'warn' });
  });

  it('lets a flag win over the environment, and that over the file', async () => {
    const { options } = await load({
      file: { listenPort: 1, mtu: 1300, name: 'file', relay: false },
      env: { OVERLAY_LISTEN_PORT: '2', OVERLAY_MTU: '1400' },
      flags: { listenPort: '3' },
    });
    expect(options).to.include({ listenPort: 3, mtu: 1400, name: 'file', relay: false });
  });

  it('reads each setting in text as flags and environment have it', async () => {
    const { options, logFormat, logLevel } = await load({
      env: {
        OVERLAY_NAME: 'Laptop-2',
        OVERLAY_LISTEN_PORT: '0',
        OVERLAY_INTERFACE: 'eth0, wlan0:10, wwan0:20:backup, usb0:backup',
        OVERLAY_TRANSPORT: 'raw, udp',
        OVERLAY_OVERFLOW: 'yes',
        OVERLAY_SCHEDULER: 'replicate',
        OVERLAY_DEVICE: 'mesh0',
        OVERLAY_MTU: '1280',
        OVERLAY_TUN: 'no',
        OVERLAY_SUPERPEER: 'YES',
        OVERLAY_QUOTA: '2GB',
        OVERLAY_RELAY: 'off',
        OVERLAY_MDNS: '0',
        OVERLAY_LOG_FORMAT: 'json',
        OVERLAY_LOG: 'debug',
      },
    });
    expect(options).to.deep.include({
      name: 'laptop-2',
      listenPort: 0,
      interfaces: [
        { name: 'eth0', metric: 0, backup: false },
        { name: 'wlan0', metric: 10, backup: false },
        { name: 'wwan0', metric: 20, backup: true },
        { name: 'usb0', metric: 0, backup: true },
      ],
      transports: ['raw', 'udp'],
      overflow: true,
      scheduler: 'replicate',
      device: 'mesh0',
      mtu: 1280,
      tun: false,
      superpeer: true,
      quotaBytes: 2_000_000_000,
      relay: false,
      mdns: false,
    });
    expect({ logFormat, logLevel }).to.deep.equal({ logFormat: 'json', logLevel: 'debug' });
  });

  it('reads the same from JSON', async () => {
    const { options } = await load({
      file: {
        transport: ['tcp'],
        interface: ['eth0:5'],
        quota: 5_000_000,
        tun: false,
        mtu: 9000,
        device: null,
      },
    });
    expect(options).to.deep.include({
      transports: [],
      interfaces: [{ name: 'eth0', metric: 5, backup: false }],
      quotaBytes: 5_000_000,
      tun: false,
      mtu: 9000,
      device: null,
    });
  });

  it('takes an empty variable for an unset one', async () => {
    const { options } = await load({ env: { OVERLAY_MTU: '', OVERLAY_NAME: '' } });
    expect(options).to.include({ mtu: 1400, name: null });
  });

  const wrongFlags: readonly [GivenFlags, string][] = [
    [{ listenPort: '65536' }, '--listen-port must be a whole number from 0 to 65535'],
    [{ listenPort: '4e3' }, '--listen-port must be'],
    [{ mtu: '1279' }, '--mtu must be a whole number from 1280 to 65535'],
    [{ scheduler: 'fast' }, '--scheduler must be one of adaptive, aggregate, replicate, failover'],
    [{ interface: ['eth0:x'] }, "--interface 'eth0:x' is not NAME or NAME:metric"],
    [{ interface: ['eth0:65536'] }, '--interface'],
    [{ interface: [''] }, '--interface'],
    [{ interface: ['a/b'] }, '--interface'],
    [{ device: 'a-name-too-long-for-linux' }, '--device must be 1 to 15 characters'],
    [{ quota: '5' }, "--quota '5' is no size"],
    [{ quota: '5kB' }, '--quota must be at least 1MB'],
    [{ relay: 'maybe' }, '--relay must be yes or no'],
    [{ name: 'no_underscore' }, '--name must be 1 to 63 letters'],
    [{ name: '-x' }, '--name'],
    [{ logFormat: 'xml' }, '--log-format must be one of json, text'],
  ];
  for (const [flags, message] of wrongFlags) {
    it(`names the flag and the rule for ${JSON.stringify(flags)}`, async () => {
      const error = await failure({ flags });
      expect(error.code).to.equal('bad-setting');
      expect(error.message).to.match(new RegExp(`^${message.replace(/[()]/g, '\\$&')}`));
    });
  }

  it('names the variable of a wrong environment', async () => {
    const error = await failure({ env: { OVERLAY_MTU: 'big' } });
    expect(error.message).to.match(/^OVERLAY_MTU must be/);
  });

  it('names file and field of a wrong file, even if a flag would win', async () => {
    const error = await failure({ file: { mtu: true }, flags: { mtu: '1400' } });
    expect(error.message).to.equal(`${file()}: mtu must be a whole number from 1280 to 65535`);
  });

  const wrongFiles: readonly [string, string][] = [
    ['{"mtuu":1}', 'mtuu is no setting: known are'],
    ['{"__proto__":{"mtu":1}}', '__proto__ is no setting'],
    ['{"mtu":', 'is not valid JSON'],
    ['[]', 'must hold one JSON object'],
    ['null', 'must hold one JSON object'],
    [`{"name":"${'x'.repeat(70_000)}"}`, 'too large'],
    ['{"name":5}', 'name must be text'],
    ['{"interface":7}', 'interface must be a list'],
    ['{"quota":[]}', 'quota must be a size'],
    ['{"quota":1e300}', 'quota'],
    ['{"listenPort":1.5}', 'listenPort must be a whole number'],
  ];
  for (const [text, message] of wrongFiles) {
    it(`refuses the file ${text.slice(0, 30)}`, async () => {
      expect((await failure({ file: text })).message)
        .to.contain(file())
        .and.to.contain(message);
    });
  }
});
