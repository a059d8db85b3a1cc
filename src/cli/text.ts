// Formats numbers, and words of commands, for people.

import { formatTable as layOut } from "../bench/report/table.ts";

/** "16,384". Not by toLocaleString, whose first call loads all of the host's locales: a tenth of a short command's time. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "3 points", "1 point" */
export function formatPlural(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Quotes a word of a command line for a shell, if it needs that: "'my run.yaml'". */
export function quoteWord(word: string): string {
  return /^[\p{L}\p{N}_@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** "0.42 ms", "12.3 ms", "4.71 s" */
export function formatTime(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`;
}

/** "4.71 s", "7 min 18 s", "3 h 12 min" */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return formatTime(milliseconds);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "512 bytes", "1.5 MiB" */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** Formats an indented table. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  return layOut(rows)
    .map((line) => `  ${line}`)
    .join("\n");
}
