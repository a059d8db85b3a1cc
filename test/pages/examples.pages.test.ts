// The README's programs on the page of examples: each runs to its end within the page's policy, and prints what it should.

import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium, openPage, serveSite } from "./browser.ts";

let browser: Awaited<ReturnType<typeof launchChromium>>;
let host: Awaited<ReturnType<typeof serveSite>>;
beforeAll(async () => {
  browser = await launchChromium({ webgpu: false });
  host = await serveSite("headers");
});
afterAll(async () => {
  await browser.close();
  host.close();
});

test("each example prints what the README says", async () => {
  const { page, problems } = await openPage(browser, `${host.url}examples.html`);
  const run = async (name: string) => {
    await page.getByRole("button", { name: `Run ${name}` }).click();
    await page.waitForFunction(() => ["done", "failed"].includes(globalThis.erwinPage.state));
    return page.getByLabel(`What ${name} prints`).innerText();
  };
  expect(await run("Quick start")).toMatch(/\[1000, 32\] Float32Array\(32000\) \[-?\d[\s\S]*Done\.$/);
  const trained = await run("Train on your data");
  const losses = [...trained.matchAll(/^step \d+: loss (\S+)$/gm)].map(([, loss]) => Number(loss));
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0]! / 2);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("save it").click()]);
  expect(download.suggestedFilename()).toBe("model.safetensors");
  // An address would keep the file in memory for as long as the page is open.
  expect(await page.locator('[href^="blob:"]').count()).toBe(0);
  expect(await run("In a worker")).toMatch(/\[1000, 16\] Float32Array\(16000\) \[-?\d[\s\S]*Done\.$/);
  expect(problems).toEqual([]);
  await page.context().close();
});
