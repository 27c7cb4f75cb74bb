/**
 * The one schema of all settings: what flags and environment say in text and what `config.json` says
 * in JSON is read by the same entry, so that no source accepts what another refuses.
 */
import * as z from 'zod';
import type { Result } from '../../overlay/base/result.js';
import { isHostName } from '../../overlay/identity/names.js';
import { DEFAULT_LISTEN_PORT, DEFAULT_MTU } from '../run/options.js';
import { parseSize } from './quantity.js';
import type { SettingKey } from './settings.js';

/** Linux IFNAMSIZ is 16 with the closing zero. */
const INTERFACE_NAME = /^[^\s/:,]{1,15}$/;
/** Metrics are compared only; two bytes keep them easy to put into messages. */
const METRIC_MAX = 65_535;
/** IPv6 needs 1280 (RFC 8200, section 5), and every node has an IPv6 address. */
const MTU_BYTES_MIN = 1280;
/** The length field of an IPv4 packet ends here. */
const MTU_BYTES_MAX = 65_535;
/** Less could not hold a single object worth keeping. */
const QUOTA_BYTES_MIN = 1_000_000;
/** More interfaces than any host has; bounds a file written by a broken script. */
const INTERFACES_MAX = 64;
const TRANSPORTS_MAX = 3;
const DEFAULT_QUOTA_BYTES = 1_000_000_000;

const YES = ['yes', 'true', 'on', '1'];
const NO = ['no', 'false', 'off', '0'];

/** A schema that also takes text, turned into the value by `parse`. Text it cannot read stays text and fails. */
function text<S extends z.ZodType>(
  parse: (text: string) => unknown,
  schema: S,
): z.ZodPreprocess<S> {
  return z.preprocess((value) => (typeof value === 'string' ? parse(value) : value), schema);
}

/** One message for every way to miss the range, so that it always says the range. */
function whole(min: number, max: number): z.ZodPreprocess<z.ZodNumber> {
  const error = `must be a whole number from ${String(min)} to ${String(max)}`;
  const schema = z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
  return text((value) => (/^\d{1,9}$/.test(value) ? Number(value) : value), schema);
}

function yesOrNo(): z.ZodPreprocess<z.ZodBoolean> {
  return text(
    (value) => {
      const word = value.toLowerCase();
      return YES.includes(word) ? true : NO.includes(word) ? false : value;
    },
    z.boolean({ error: 'must be yes or no' }),
  );
}

function oneOf<const T extends readonly string[]>(values: T): z.ZodType<T[number]> {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

/** Reads with one of the `Result` parsers, so that its detail becomes the message. */
function parsed(
  parse: (text: string) => Result<number>,
  min: number,
  tooSmall: string,
): z.ZodType<number> {
  return z
    .union([z.string(), z.number()], { error: 'must be a size like 1000MB' })
    .transform((value, context) => {
      const result: Result<number> =
        typeof value === 'string' ? parse(value) : { ok: true, value: Math.round(value) };
      if (result.ok && result.value >= min && Number.isSafeInteger(result.value))
        return result.value;
      context.addIssue({ code: 'custom', message: result.ok ? tooSmall : result.detail });
      return z.NEVER;
    });
}

const wantedInterface = z
  .string({ error: 'must be NAME or NAME:metric' })
  .transform((value, context) => {
    const [name = '', ...words] = value.split(':');
    const backup = words.at(-1) === 'backup';
    if (backup) words.pop();
    const [metricText = '0', ...rest] = words;
    const metric = /^\d{1,5}$/.test(metricText) ? Number(metricText) : Number.NaN;
    if (rest.length === 0 && INTERFACE_NAME.test(name) && metric <= METRIC_MAX)
      return { name, metric, backup };
    context.addIssue({
      code: 'custom',
      message: `'${value}' is not NAME or NAME:metric (metric 0 to ${String(METRIC_MAX)}), with :backup or without`,
    });
    return z.NEVER;
  });

const interfaceName = z.string({ error: 'must be text' }).regex(INTERFACE_NAME, {
  error: 'must be 1 to 15 characters without spaces, slashes, colons or commas',
});

const hostName = z
  .string({ error: 'must be text' })
  .transform((value) => value.toLowerCase())
  .pipe(
    z.string().refine(isHostName, {
      error: 'must be 1 to 63 letters, digits or hyphens, with no hyphen at either end',
    }),
  );

/** Every field has its default, so the defaults are what an empty object parses to. */
export const settingsSchema = z.strictObject({
  name: hostName.nullable().default(null),
  listenPort: whole(0, 65_535).default(DEFAULT_LISTEN_PORT),
  interface: text(
    (value) => value.split(',').map((part) => part.trim()),
    z
      .array(wantedInterface, { error: 'must be a list of NAME or NAME:metric' })
      .max(INTERFACES_MAX, { error: `must be at most ${String(INTERFACES_MAX)} interfaces` }),
  ).default([]),
  transport: text(
    (value) => value.split(',').map((part) => part.trim()),
    z
      .array(oneOf(['udp', 'raw', 'tcp']), { error: 'must be a list of udp, raw and tcp' })
      .min(1, { error: 'must name at least one of udp, raw and tcp' })
      .max(TRANSPORTS_MAX, { error: 'must name each of udp, raw and tcp once' }),
  ).default(['udp']),
  scheduler: oneOf(['adaptive', 'aggregate', 'replicate', 'failover']).default('adaptive'),
  overflow: yesOrNo().default(false),
  device: interfaceName.nullable().default(null),
  mtu: whole(MTU_BYTES_MIN, MTU_BYTES_MAX).default(DEFAULT_MTU),
  tun: yesOrNo().default(true),
  superpeer: yesOrNo().default(false),
  quota: parsed(parseSize, QUOTA_BYTES_MIN, 'must be at least 1MB').default(DEFAULT_QUOTA_BYTES),
  relay: yesOrNo().default(true),
  mdns: yesOrNo().default(true),
  logFormat: oneOf(['json', 'text']).default('text'),
  logLevel: oneOf(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
} satisfies Record<SettingKey, z.ZodType>);

export type Settings = z.output<typeof settingsSchema>;
