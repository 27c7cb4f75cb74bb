/** All sub-commands, in the order of the help. */
import type { RegisterVerb } from '../cli.js';
import { config } from './config.js';
import { create } from './create.js';
import { down } from './down.js';
import { invite } from './invite.js';
import { ip } from './ip.js';
import { join } from './join.js';
import { leases } from './leases.js';
import { leave } from './leave.js';
import { members } from './members.js';
import { paths } from './paths.js';
import { peers } from './peers.js';
import { pingVerb } from './ping.js';
import { set } from './set.js';
import { sim } from './sim.js';
import { status } from './status.js';
import { topVerb } from './top.js';
import { up } from './up.js';
import { version } from './version.js';
import { wait } from './wait.js';
import { whois } from './whois.js';

export const VERBS: readonly RegisterVerb[] = [
  create,
  join,
  up,
  down,
  leave,
  invite,
  wait,
  status,
  peers,
  paths,
  topVerb,
  set,
  leases,
  members,
  ip,
  whois,
  pingVerb,
  config,
  sim,
  version,
];
