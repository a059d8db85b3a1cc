// A visit of the built site in Chromium: what its policy forbade and what went wrong on the way is kept.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { chromiumArguments, findChromium } from "../../src/build/chromium.mjs";
import { sendSiteFile, serve } from "../../src/build/serve-dist.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const serveSite = () => serve((request, response) => sendSiteFile(request, response));

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: findChromium(), args: chromiumArguments() });

export interface Visit {
  page: Page;
  /** Violations of the page's policy, errors of its scripts, and what it printed as an error. */
  complaints: string[];
  /** Waits until the page is neither idle nor busy, and returns its state. */
  settled(): Promise<string>;
  /** What axe finds wrong, with the elements. */
  accessibility(): Promise<string[]>;
  close(): Promise<void>;
}

export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  // Scripts that are added like this are not subject to the page's policy.
  await page.addInitScript({ content: axe });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      console.error(`policy: ${violatedDirective} ${blockedURI}`);
    });
  });
  await page.goto(url);
  return {
    page,
    complaints,
    async settled() {
      await page.waitForFunction(() => ["done", "failed"].includes(globalThis.erwinPage?.state), undefined, {
        timeout: 240_000,
      });
      return page.evaluate(() => globalThis.erwinPage.state);
    },
    accessibility: () =>
      page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
        const { violations } = await axe.run(document);
        return violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
        );
      }),
    close: () => context.close(),
  };
}
