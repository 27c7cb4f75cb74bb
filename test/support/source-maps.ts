/**
 * Makes stack traces name the TypeScript source. Loaded by mocha's `require`: given as a flag of
 * Node, mocha would start a second process, which outlives the first when that one is killed.
 */
import process from 'node:process';

process.setSourceMapsEnabled(true);
