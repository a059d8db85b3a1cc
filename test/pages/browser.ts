// Real browsers on the built site, served as a host would.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findChromium, testArguments } from "../../src/build/chromium.mjs";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { pathOf, sendSiteFile, serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";

/** How a page becomes cross-origin isolated; "none" is not. */
export type Isolation = "headers" | "service worker" | "none";

/**
 * A host of the site; it sends the headers for isolation, or none.
 * @param prelude code with which the pages' workers begin
 */
export const serveSite = (isolation: Isolation, prelude = "") =>
  serve((request, response) => {
    const headers = isolation === "headers" ? isolationHeaders : {};
    const path = pathOf(request);
    if (!prelude || !/^\/assets\/worker-[^/]*\.js$/.test(path)) return sendSiteFile(request, response, headers);
    const type = { "Content-Type": "text/javascript", "Cache-Control": "no-store" };
    response.writeHead(200, { ...headers, ...type }).end(`${prelude}\n${readFileSync(join(root, "dist/site", path))}`);
  });

/** The milliseconds within which a page has to do what is waited for: no test relies on how quick a machine is. */
const PATIENCE = 120_000;

/** @param options `keepsPages`: whether pages that are left stay in memory for a while, which Playwright otherwise switches off */
export async function launchChromium({
  webgpu = true,
  keepsPages = false,
  args = [] as string[],
} = {}): Promise<Browser> {
  const usual = testArguments().filter((argument) => webgpu || !/webgpu/.test(argument));
  const ignoreDefaultArgs = keepsPages ? ["--disable-back-forward-cache"] : [];
  const options = { executablePath: findChromium(), args: [...usual, ...args], ignoreDefaultArgs };
  const browser = await chromium.launch(options);
  const { newContext } = browser;
  browser.newContext = async (options) => {
    const context = await newContext.call(browser, options);
    context.setDefaultTimeout(PATIENCE);
    return context;
  };
  return browser;
}

export interface OpenPage {
  page: Page;
  /** What the page's policy refused, what it threw, and what it asked other hosts for. */
  problems: string[];
}

/** A script that adds axe to a page. */
const axeSource = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");

/** Opens a page, in a context of its own, and waits until it is ready. */
export async function openPage(
  browser: Browser,
  url: string,
  { isolation = "headers", ...options }: BrowserContextOptions & { isolation?: Isolation } = {},
): Promise<OpenPage> {
  const serviceWorkers = isolation === "service worker" ? "allow" : "block";
  const context = await browser.newContext({
    serviceWorkers,
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  await page.exposeFunction("reportViolation", (text: string) => problems.push(text));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
      (globalThis as unknown as { reportViolation(text: string): void }).reportViolation(
        `policy: ${violatedDirective} ${blockedURI} ${sample}`,
      );
    });
  });
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(new URL(url).origin) && !/^(blob|data):/.test(asked)) problems.push(`request: ${asked}`);
  });
  await load(page, url, isolation);
  return { page, problems };
}

/** Loads a URL into a page and waits until it is ready. For another page of the site this takes a third of opening that. */
export async function load(page: Page, url: string, isolation: Isolation = "headers"): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(
    (isolated) => "erwinPage" in globalThis && crossOriginIsolated === isolated,
    isolation !== "none",
  );
  await page.locator("[data-when-ready][disabled]").first().waitFor({ state: "detached" });
}

/**
 * Does something in Chromium, and returns the share of that time in which the page's main thread ran scripts: what a worker should do
 * makes it large. Unlike the longest task's milliseconds it does not grow on a busy machine, nor by the software that draws the page.
 */
export async function shareOfScripts(page: Page, work: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("Profiler.enable");
  await session.send("Profiler.start");
  await work();
  const { profile } = await session.send("Profiler.stop");
  await session.detach();
  const scripts = new Set(profile.nodes.filter(({ callFrame }) => callFrame.url !== "").map(({ id }) => id));
  const running = profile.samples!.reduce((sum, node, i) => sum + (scripts.has(node) ? profile.timeDeltas![i]! : 0), 0);
  return running / (profile.endTime - profile.startTime);
}

/** What axe finds wrong with a page, a line each. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof import("axe-core") }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}
