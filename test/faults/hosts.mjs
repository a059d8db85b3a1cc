// The hosts in which faults are tried: each starts a fresh process or page, tries faults in it, and ends it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { findChromium, testArguments } from "../../src/build/chromium.mjs";
import { denoEnvironment, denoProgram } from "../../src/build/deno.mjs";
import { launchFirefox } from "../../src/build/firefox.mjs";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { root } from "../../src/build/steps.mjs";
import { servePage } from "../firefox/server.mjs";

/** @typedef {import("../support/faults.ts").Fault} Fault */
/** @typedef {(report: import("./try.ts").Report) => void} Listener */
/**
 * Tries faults of a program, until the signal is aborted. Returns the host's name and version.
 * @typedef {(program: string, faults: readonly Fault[], listener: Listener, signal: AbortSignal) => Promise<string>} Host
 */

const folder = join(root, "test", "faults");

/** @type {Host} */
async function deno(program, faults, listener, signal) {
  const args = ["run", "-A", `--import-map=${join(folder, "imports.json")}`, join(folder, "process.ts")];
  const child = spawn(denoProgram(), [...args, program, JSON.stringify(faults)], {
    env: { ...denoEnvironment(), ERWIN_TUNE: "off", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    killSignal: "SIGKILL",
  });
  let name = "Deno";
  let errors = "";
  child.stderr.on("data", (text) => {
    errors = (errors + text).slice(-4000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) name = line;
    else listener(JSON.parse(line));
  });
  const [code, killed] = await once(child, "close");
  if (code !== 0) throw new Error(`the process ended with ${killed ?? code}: ${errors}`);
  return name;
}

/** What a page does, as text, because it imports modules by the addresses of the page. */
const script = (/** @type {string} */ program, /** @type {readonly Fault[]} */ faults) => `(async () => {
  globalThis.process ??= { env: { ERWIN_TUNE: "off" } };
  const [{ installStepClock }, { tryFaults }] =
    await Promise.all(["clock", "try"].map((name) => import("/test/faults/" + name + ".ts")));
  installStepClock();
  await tryFaults(${JSON.stringify(program)}, ${JSON.stringify(faults)}, (report) => console.log(JSON.stringify(report)));
})()`;

/** Passes the reports that a page prints to the listener. */
const heard = (/** @type {Listener} */ listener) => (/** @type {{ text(): string }} */ message) => {
  const text = message.text();
  if (text.startsWith("{")) listener(JSON.parse(text));
};

/**
 * Runs the script in a new page of a browser, which is closed afterwards.
 * @param {{ newPage(): Promise<any>, close(): Promise<void> }} browser
 * @param {Parameters<Host>} call
 */
async function onPage(browser, [program, faults, listener, signal]) {
  const server = await servePage(isolationHeaders);
  const aborted = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  try {
    const page = await browser.newPage();
    page.on("console", heard(listener));
    await page.goto(server.url);
    await Promise.race([page.evaluate(script(program, faults)), aborted]);
  } finally {
    await browser.close();
    server.close();
  }
}

/** A run that is terminated ends, and its browser with it: the browsers' own handlers would only end this one, and the next would start. */
const handleSIGTERM = false;

/** @type {Record<string, Host>} */
export const hosts = {
  deno,
  chromium: async (...call) => {
    const browser = await chromium.launch({ executablePath: findChromium(), args: testArguments(), handleSIGTERM });
    await onPage(browser, call);
    return `Chromium ${browser.version()}, SwiftShader`;
  },
  firefox: async (...call) => {
    const browser = await launchFirefox({ webgpu: true, protocolTimeout: 0, handleSIGTERM });
    const version = await browser.version();
    await onPage(browser, call);
    return `${version.replace("firefox/", "Firefox ")}, lavapipe`;
  },
};
