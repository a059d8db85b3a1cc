// The browsers that pages are tried in, and what a page in one of them comes to.
import { chromium } from "playwright-core";
import { launch } from "puppeteer-core";
import { chromiumArguments, findChromium } from "../../src/build/chromium.mjs";
import { findFirefox } from "../../src/build/firefox.mjs";
import { judge } from "./judge.mjs";

/** @typedef {import("playwright-core").Browser | import("puppeteer-core").Browser} Browser */

const launchers = {
  Chromium: () => chromium.launch({ executablePath: findChromium(), args: chromiumArguments() }),
  Firefox: () => launch({ browser: "firefox", executablePath: findFirefox(), headless: true }),
};

/** @type {Map<string, Promise<Browser>>} */
const started = new Map();

/** Starts a browser, or gives the one started before, which runs until `closeBrowsers`. */
export function openBrowser(/** @type {"Chromium" | "Firefox"} */ name) {
  const browser = started.get(name) ?? launchers[name]();
  started.set(name, browser);
  return browser;
}

export async function closeBrowsers() {
  for (const browser of started.values()) await (await browser).close();
  started.clear();
}

/** A browser's name and version, as "Chromium 153". */
export async function describeBrowser(/** @type {"Chromium" | "Firefox"} */ name) {
  const [, major] = /(\d+)\./.exec(await (await openBrowser(name)).version()) ?? [];
  return `${name} ${major}`;
}

/**
 * What the page at a URL comes to: "right", or what it says went wrong, with all else that was seen of it.
 * @param {Browser} browser
 * @param {string} url
 */
export async function resultOf(browser, url) {
  // Both browsers' drivers have these methods and events.
  const page = /** @type {import("playwright-core").Page} */ (await browser.newPage());
  /** @type {string[]} */
  const seen = [];
  try {
    return await new Promise((resolve) => {
      page.on("response", (response) => response.ok() || seen.push(`${response.status()} ${response.url()}`));
      page.on("pageerror", (error) => seen.push(String(error)));
      page.on("console", (message) => {
        const [, result] = /^result: (.*)/s.exec(message.text()) ?? [];
        if (result === undefined) seen.push(message.text());
        else resolve(judge(result) === "right" ? "right" : [judge(result), ...seen].join("\n"));
      });
      setTimeout(() => resolve(["no result within 60 s", ...seen].join("\n")), 60_000);
      page.goto(url).catch((error) => resolve(String(error)));
    });
  } finally {
    await page.close();
  }
}
