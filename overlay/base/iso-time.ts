/**
 * ISO 8601 text of a Unix time, without the platform's `Date`, whose presence in pure code would
 * invite asking it for the time.
 */

const DAY_MS = 86_400_000;

/**
 * `2026-01-01T00:00:00Z`; fractions of a second are cut off.
 *
 * Source: Howard Hinnant, "chrono-compatible low-level date algorithms" (civil_from_days).
 */
export function isoTime(unixMs: number): string {
  const days = Math.floor(unixMs / DAY_MS);
  const seconds = Math.floor((unixMs - days * DAY_MS) / 1000);
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const date = [pad(year, 4), pad(month, 2), pad(day, 2)].join('-');
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${date}T${time.map((part) => pad(part, 2)).join(':')}Z`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
