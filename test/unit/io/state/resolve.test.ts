import { expect } from 'chai';
import { resolve } from 'node:path';
import { adminSocketPath, resolveStateDir } from '../../../../src/io/state/resolve.js';

describe('io/state/resolveStateDir', () => {
  const env = { OVERLAY_STATE: '/from/env', XDG_STATE_HOME: '/xdg', HOME: '/home/ann' };

  it('prefers the flag, then OVERLAY_STATE', () => {
    expect(resolveStateDir('/from/flag', env, 0)).to.equal('/from/flag');
    expect(resolveStateDir(undefined, env, 1000)).to.equal('/from/env');
  });

  it('makes a relative path absolute', () => {
    expect(resolveStateDir('here', {}, 0)).to.equal(resolve('here'));
  });

  it('uses the system directory for root only', () => {
    expect(resolveStateDir(undefined, { XDG_STATE_HOME: '/xdg' }, 0)).to.equal('/var/lib/overlay');
    expect(resolveStateDir(undefined, { XDG_STATE_HOME: '/xdg' }, 1)).to.equal('/xdg/overlay');
  });

  it('ignores an empty flag and variable, and a relative XDG_STATE_HOME', () => {
    const given = { OVERLAY_STATE: '', XDG_STATE_HOME: 'relative', HOME: '/home/ann' };
    expect(resolveStateDir('', given, 1)).to.equal('/home/ann/.local/state/overlay');
  });

  it('puts the socket into it', () => {
    expect(adminSocketPath('/x')).to.equal('/x/admin.sock');
  });
});
