// The service in a process of its own, and what it needs: memory, handles, processor time.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
/** Collects all garbage at each signal. Called with an argument, as a listener is, gc() collects young objects only. */
const collector = 'data:text/javascript,process.on("SIGUSR2", () => gc())';
/** The clock ticks per second of /proc. */
const TICKS = 100;

/** @typedef {Awaited<ReturnType<typeof startService>>} RunningService */

/** @param {readonly string[]} options those of `erwin serve` */
export async function startService(options) {
  const words = ["--expose-gc", "--import", collector, cli, "serve", "--port", "0", ...options];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
  const url = await new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => {
      const [found] = /http:\S+/.exec(String(text)) ?? [];
      if (found) resolve(found);
    });
    child.on("exit", () => reject(new Error("erwin serve ended")));
  });
  const { port } = new URL(url);
  const pid = /** @type {number} */ (child.pid);

  /** Returns the sum of a metric over its labels. @param {string} name */
  async function metric(name) {
    const text = await (await fetch(`${url}/metrics`, { headers: { Connection: "close" } })).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:{.*})? (\\S+)$`, "gm"))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  return {
    url: /** @type {string} */ (url),
    port: Number(port),
    ended,
    metric,
    /** @param {NodeJS.Signals} signal */
    kill: (signal) => child.kill(signal),

    /** The processor time of all threads so far, in milliseconds. */
    processorTime() {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
      return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
    },

    /** Waits until no request is active and all connections are closed, and measures after a garbage collection. */
    async measureIdle() {
      const deadline = performance.now() + 20_000;
      while ((await metric("erwin_requests_active")) > 0 && performance.now() < deadline) await pause(100);
      child.kill("SIGUSR2");
      await pause(300);
      const host = 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
      return {
        host,
        handles: readdirSync(`/proc/${pid}/fd`).length,
        device: await metric("erwin_device_memory_bytes"),
        heap: await metric("process_heap_bytes"),
        active: await metric("erwin_requests_active"),
      };
    },
  };
}
