// The servers of a queue, as programs that can be killed and started again: Debian's redis-server and postgresql.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";

/**
 * @typedef {object} Server
 * @property {string} address what --queue takes
 * @property {() => Promise<void>} start starts it, and waits until it accepts connections
 * @property {() => void} kill kills it as a power failure would
 * @property {() => number} processorSeconds the processor time of the running server since its start
 */

/** @type {Record<"redis" | "postgres", (folder: string, flushesAlways: boolean) => Server>} */
export const servers = { redis, postgres };

/** @returns {Server} */
function redis(/** @type {string} */ folder, /** @type {boolean} */ flushesAlways) {
  const port = 6400;
  const fsync = flushesAlways ? "always" : "everysec";
  const words = ["--port", String(port), "--dir", folder, "--appendonly", "yes", "--appendfsync", fsync, "--save", ""];
  return server(`redis://127.0.0.1:${port}`, port, () => spawn("redis-server", words, { stdio: "ignore" }));
}

/** @returns {Server} */
function postgres(/** @type {string} */ folder, /** @type {boolean} */ flushesAlways) {
  const port = 6401;
  const versions = readdirSync("/usr/lib/postgresql").sort((a, b) => Number(b) - Number(a));
  const programs = join("/usr/lib/postgresql", versions[0], "bin");
  const [uid, gid] = ["-u", "-g"].map((kind) => Number(execFileSync("id", [kind, "postgres"])));
  const data = join(folder, "postgres");
  // PostgreSQL does not run as root.
  chmodSync(folder, 0o711);
  mkdirSync(data);
  execFileSync("chown", ["postgres", data]);
  const options = { uid, gid, cwd: data };
  execFileSync(join(programs, "initdb"), ["-D", data, "-U", "erwin", "--auth", "trust"], {
    ...options,
    stdio: "ignore",
  });
  const settings = [`port=${port}`, "unix_socket_directories=", `synchronous_commit=${flushesAlways ? "on" : "off"}`];
  const words = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  return server(`postgres://erwin@127.0.0.1:${port}/postgres`, port, () => {
    // A server that was killed leaves this file.
    rmSync(join(data, "postmaster.pid"), { force: true });
    return spawn(join(programs, "postgres"), words, { ...options, stdio: "ignore" });
  });
}

/**
 * @param {string} address
 * @param {number} port
 * @param {() => import("node:child_process").ChildProcess} run
 * @returns {Server}
 */
function server(address, port, run) {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let child;
  return {
    address,
    async start() {
      child = run();
      while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    kill: () => void child?.kill("SIGKILL"),
    processorSeconds: () => processorSeconds(child?.pid ?? 0),
  };
}

function accepts(/** @type {number} */ port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.end());
  });
}

/** The processor time of a process and its children, those that have ended among them. */
export function processorSeconds(/** @type {number} */ pid) {
  let ticks = 0;
  for (const name of readdirSync("/proc")) {
    const file = join("/proc", name, "stat");
    if (!/^\d+$/.test(name) || !existsSync(file)) continue;
    const fields = readFileSync(file, "utf8").split(") ")[1].split(" ");
    if (Number(name) === pid) ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    else if (Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}
