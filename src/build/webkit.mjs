// Starts WebKitGTK, whose engine is Safari's, on a screen of its own. Tests ask for it by hand only, and it is installed when they do.
// Its driver takes a few requests of W3C's WebDriver protocol; the packages that speak it need a newer Node, or bring other browsers.
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "./run.mjs";
import { freePort } from "./serve-dist.mjs";
import { aptGetInstall } from "./setup.mjs";

const driver = "/usr/bin/WebKitWebDriver";
const screen = "/usr/bin/Xvfb";
/** Debian's packages that have them. */
const packages = ["webkit2gtk-driver", "xvfb"];

/** The longest time in milliseconds that a script in a page may take. */
const SCRIPT_TIMEOUT = 300_000;

/**
 * @typedef {object} WebKit
 * @property {() => string} version
 * @property {(url: string) => Promise<void>} open loads a page
 * @property {(body: string) => Promise<any>} evaluate runs the body of an async function in the page; its result has to be JSON
 * @property {(file: string) => Promise<void>} screenshot writes a PNG file
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<WebKit>} */
export async function launchWebKit() {
  if (![driver, screen].every((program) => existsSync(program))) await aptGetInstall(packages);
  if (!existsSync(driver)) throw new CommandError(`WebKit's driver is missing: install ${packages.join(" and ")}`, 1);
  const display = spawn(screen, ["-displayfd", "3", "-screen", "0", "1400x1000x24"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const number = await firstLine(/** @type {import("node:stream").Readable} */ (display.stdio[3]));
  const port = await freePort();
  const env = {
    ...process.env,
    DISPLAY: `:${number}`,
    // Its sandbox needs rights that containers do not give; it opens these tests' own pages only.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
    // In the locale C a page's language would be "C", which is none.
    LC_ALL: "en_US.UTF-8",
  };
  const server = spawn(driver, [`--port=${port}`], { env, stdio: "ignore" });
  const stop = () => {
    server.kill();
    display.kill();
  };

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = /** @type {{ value: any }} */ (await response.json());
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  try {
    await untilReady(() => call("GET", "/status"));
    const { sessionId, capabilities } = await call("POST", "/session", { capabilities: {} });
    const session = `/session/${sessionId}`;
    await call("POST", `${session}/timeouts`, { script: SCRIPT_TIMEOUT });
    return {
      version: () => capabilities.browserVersion,
      open: (url) => call("POST", `${session}/url`, { url }),
      async evaluate(body) {
        const script = `const end = arguments[0];
          (async () => { ${body} })().then((value) => end({ value }), (error) => end({ error: String(error) }));`;
        const { value, error } = await call("POST", `${session}/execute/async`, { script, args: [] });
        if (error) throw new Error(error);
        return value;
      },
      async screenshot(file) {
        writeFileSync(file, Buffer.from(await call("GET", `${session}/screenshot`), "base64"));
      },
      async close() {
        await call("DELETE", session).finally(stop);
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** @param {import("node:stream").Readable} stream */
async function firstLine(stream) {
  let text = "";
  for await (const part of stream) {
    text += part;
    if (text.includes("\n")) return text.trim();
  }
  throw new CommandError(`${screen} ended without opening a display`, 1);
}

/** @param {() => Promise<unknown>} ask */
async function untilReady(ask) {
  for (let attempt = 1; ; attempt++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(100);
    }
  }
}
