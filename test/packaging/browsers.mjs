// The browsers that pages are tried in, and what a page in one of them comes to.
import { chromium } from "playwright-core";
import { findChromium, testArguments } from "../../src/build/chromium.mjs";
import { launchFirefox } from "../../src/build/firefox.mjs";
import { launchWebKit } from "../../src/build/webkit.mjs";
import { judge } from "./judge.mjs";

const launchers = {
  Chromium: () => chromium.launch({ executablePath: findChromium(), args: testArguments() }),
  Firefox: () => launchFirefox(),
  WebKit: launchWebKit,
};

/** @typedef {keyof typeof launchers} BrowserName */
/** @typedef {Awaited<ReturnType<typeof launchers[BrowserName]>>} Browser */

/** @type {Map<BrowserName, Promise<Browser>>} */
const started = new Map();

/** Starts a browser, or gives the one started before, which runs until `closeBrowsers`. */
function openBrowser(/** @type {BrowserName} */ name) {
  const browser = started.get(name) ?? launchers[name]();
  started.set(name, browser);
  return browser;
}

export async function closeBrowsers() {
  for (const browser of started.values()) await (await browser).close();
  started.clear();
}

/** A browser's name and version, as "Chromium 153". */
export async function describeBrowser(/** @type {BrowserName} */ name) {
  const version = await (await openBrowser(name)).version();
  // WebKitGTK counts the versions that others call major behind a point.
  const [number] = (name === "WebKit" ? /\d+\.\d+/ : /\d+(?=\.)/).exec(version) ?? [];
  return `${name} ${number}`;
}

/** Longer than the slowest machine takes. */
const PATIENCE_SECONDS = 240;

/**
 * What the page at a URL comes to: "right", or what it says went wrong, with all else that was seen of it.
 * @param {BrowserName} name
 * @param {string} url
 */
export async function resultOf(name, url) {
  const browser = await openBrowser(name);
  return "evaluate" in browser ? resultInWebKit(browser, url) : resultOnConsole(browser, url);
}

/**
 * Its driver does not read the console, so that the page keeps the result for it.
 * @param {import("../../src/build/webkit.mjs").WebKit} browser
 * @param {string} url
 */
async function resultInWebKit(browser, url) {
  await browser.open(url);
  const result = await browser.evaluate(`
    for (let tenth = 0; tenth < ${10 * PATIENCE_SECONDS} && !globalThis.erwinResult; tenth++)
      await new Promise((go) => setTimeout(go, 100));
    return globalThis.erwinResult`);
  return result ? judge(result) : `no result within ${PATIENCE_SECONDS} s`;
}

/**
 * @param {Exclude<Browser, import("../../src/build/webkit.mjs").WebKit>} browser
 * @param {string} url
 */
async function resultOnConsole(browser, url) {
  // Both browsers' drivers have these methods and events.
  const page = /** @type {import("playwright-core").Page} */ (await browser.newPage());
  /** @type {string[]} */
  const seen = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let patience;
  try {
    return await new Promise((resolve) => {
      page.on("response", (response) => response.ok() || seen.push(`${response.status()} ${response.url()}`));
      page.on("pageerror", (error) => seen.push(String(error)));
      page.on("console", (message) => {
        const [, result] = /^result: (.*)/s.exec(message.text()) ?? [];
        if (result === undefined) seen.push(message.text());
        else resolve(judge(result) === "right" ? "right" : [judge(result), ...seen].join("\n"));
      });
      const late = `no result within ${PATIENCE_SECONDS} s`;
      patience = setTimeout(() => resolve([late, ...seen].join("\n")), 1000 * PATIENCE_SECONDS);
      page.goto(url, { timeout: 1000 * PATIENCE_SECONDS }).catch((error) => resolve(String(error)));
    });
  } finally {
    clearTimeout(patience);
    await page.close();
  }
}
