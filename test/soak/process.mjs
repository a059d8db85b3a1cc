// The soak in a process of Node or Deno: prints its measurements as JSON. Its argument contains the options as JSON. A heap of its own
// is small, so it is collected in milliseconds, and nothing in it is others'.
import { readdirSync } from "node:fs";
import process from "node:process";
import { soak } from "./rounds.mjs";

/**
 * Returns the memory after a garbage collection, if the host was started with --expose-gc. That of the process is without the room
 * that the engine keeps for new objects, which changes by tens of megabytes while the heap stays as it is.
 */
async function measure() {
  /** @type {{ gc?: () => void }} */ (globalThis).gc?.();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const handles = process.platform === "linux" ? readdirSync("/proc/self/fd").length : undefined;
  return { host: rss - (heapTotal - heapUsed), heap: heapUsed, handles };
}

const erwin = await import(new URL("../../dist/erwin.js", import.meta.url).href);
const { Deno } = /** @type {{ Deno?: { version: { deno: string } } }} */ (globalThis);
const host = Deno ? `Deno ${Deno.version.deno}` : `Node ${process.versions.node}`;
console.log(JSON.stringify({ host, ...(await soak(erwin, JSON.parse(process.argv[2]), measure)) }));
