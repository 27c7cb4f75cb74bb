import { portsContract } from './ports-contract.js';
import { virtualWorld } from './virtual-world.js';

portsContract('virtual hosts on a modelled directory', () => virtualWorld(1));
portsContract('virtual hosts on a modelled directory without latency', () => virtualWorld(0));
