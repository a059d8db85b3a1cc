// Shows a line on the terminal for work that takes longer than a second; nothing where standard error is no terminal.

import process from "node:process";

const delay = 1000;
const interval = 200;
const barWidth = 24;

/** Reports the progress of work: `report(done, total)`, with an optional note. */
export type Report = (done: number, total: number, note?: string) => void;

const clearLine = "\r\x1b[K";
let busy = false;

/**
 * Runs `work` and shows its label, the seconds so far and, once it has reported, a bar. The line is removed afterwards. There is
 * one line at a time: nested work shows nothing.
 */
export async function withProgress<T>(label: string, work: (report: Report) => T | Promise<T>): Promise<T> {
  if (!process.stderr.isTTY || busy) return await work(() => {});
  busy = true;
  const start = performance.now();
  let bar = "";
  let shown = false;
  let drawnAt = 0;
  const draw = () => {
    const now = performance.now();
    if (now - start < delay || now - drawnAt < interval) return;
    [shown, drawnAt] = [true, now];
    process.stderr.write(`${clearLine}${label} ${bar}${((now - start) / 1000).toFixed(0)} s`);
  };
  const timer = setInterval(draw, interval);
  try {
    return await work((done, total, note) => {
      const filled = Math.round((done / total) * barWidth);
      bar = `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ${done}/${total}  ${note === undefined ? "" : `${note}  `}`;
      draw();
    });
  } finally {
    clearInterval(timer);
    if (shown) process.stderr.write(clearLine);
    busy = false;
  }
}

/** Prints a permanent line on standard error; the progress continues below it. */
export function printError(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(clearLine);
  console.error(line);
}
