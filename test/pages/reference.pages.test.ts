// The API reference, opened in Chromium as a visitor comes to it: from the site, by its search and to a class.

import { afterAll, beforeAll, expect, test } from "vitest";
import { axeViolations, launchChromium, serveSite } from "./browser.ts";

let browser: Awaited<ReturnType<typeof launchChromium>>;
let host: Awaited<ReturnType<typeof serveSite>>;
beforeAll(async () => {
  browser = await launchChromium();
  host = await serveSite("headers");
});
afterAll(async () => {
  await browser.close();
  host.close();
});

test("leads from the site to a class and back, within its policy and without other hosts", async () => {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", ({ message }) => problems.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(host.url) && !request.url().startsWith("data:")) problems.push(request.url());
  });
  await page.goto(host.url);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "API" }).click();
  await page.getByRole("link", { name: "readPointCloud" }).waitFor();
  await page.getByRole("link", { name: "ErwinTransformer", exact: true }).first().click();
  await page.getByRole("heading", { name: "Class ErwinTransformer" }).waitFor();

  await page.getByRole("button", { name: "Search" }).click();
  await page.locator("#tsd-search-input").fill("buildBallTree");
  await page.locator("#tsd-search-results").getByText("buildBallTree").first().waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "All pages" }).click();
  await page.getByRole("heading", { level: 1, name: "A transformer for large point clouds" }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

test.each([
  "index.html",
  "modules/erwin.html",
  "classes/erwin.ErwinTransformer.html",
  "interfaces/erwin.FitOptions.html",
  "functions/erwin.fit.html",
])("%s is accessible in both colours", async (name) => {
  const page = await browser.newPage();
  await page.goto(`${host.url}api/${name}`);
  await page.locator("nav.tsd-navigation summary").first().waitFor();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axeViolations(page), colorScheme).toEqual([]);
  }
  await page.close();
});
