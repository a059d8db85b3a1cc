// Formats numbers for people.

const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A number with three significant digits: 0.0123, 4.56, 12,300. */
export const figure = (value: number): string => threeDigits.format(value);

/** A whole number with commas between thousands. */
export const count = (value: number): string => whole.format(value);

/** A share in percent: 12 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** How programs and the command line allow more than a limit (src/limits.ts), which a visitor cannot. */
const HOW_TO_ALLOW = /: setLimits\(\{[^}]*\}\), or --limit \S+, allows it/;

/**
 * Makes a message a sentence for a visitor: with a capital letter, unless a file's name or the like is first, a full stop, and without
 * advice to programmers.
 */
export function sentence(message: string): string {
  const text = message.replace(HOW_TO_ALLOW, ", which pages cannot change: use a part of it, or the command line");
  const begun = text.replace(/^[a-z](?=[a-z-]*[\s,])/, (letter) => letter.toUpperCase());
  return `${begun}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** Milliseconds in the unit that suits them: 4.56 ms, 1.23 s. */
export const milliseconds = (value: number): string =>
  value >= 1000 ? `${figure(value / 1000)} s` : `${figure(value)} ms`;

/** Seconds of waiting, without false precision: 8 s, 2 min. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round((seconds - 60 * minutes) / 10) * 10;
  return rest === 60 ? `${minutes + 1} min` : rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** Bytes in the largest binary unit: 512 MiB, 1.5 GiB. */
export function bytes(value: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  return `${figure(value / 2 ** (10 * power))} ${units[power]}`;
}
