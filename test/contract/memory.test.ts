import { memoryWorld } from './memory-world.js';
import { portsContract } from './ports-contract.js';

portsContract('virtual hosts', () => memoryWorld(1));
portsContract('virtual hosts without latency', () => memoryWorld(0));
