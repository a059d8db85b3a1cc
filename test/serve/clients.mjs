// Clients of others against erwin serve: NumPy, meshio, VTK and curl (clients.py), a page of another origin in Chromium, and promtool.
// It needs a build, and Debian's curl, python3-meshio, python3-vtk9 and prometheus:
//
//   node test/serve/clients.mjs
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { chromiumArguments, findChromium } from "../../src/build/chromium.mjs";
import { serve } from "../../src/build/serve-dist.mjs";
import { makeModel, NEIGHBOURS } from "./clouds.mjs";
import { startService } from "./service.mjs";

const TOKEN = "secret";
const python = fileURLToPath(new URL("clients.py", import.meta.url));

/** Sends a request from a page, and returns the status of its answer, or the error. @param {string} origin @param {string} url */
async function askFromPage(origin, url) {
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments() });
  try {
    const page = await browser.newPage();
    await page.goto(origin);
    return await page.evaluate(
      async ({ url, token }) => {
        const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
        const body = JSON.stringify({ positions: [[0, 0, 0], [1, 0, 0]] }); // biome-ignore format: points
        try {
          const answer = await fetch(`${url}/predict`, { method: "POST", headers, body });
          return {
            status: answer.status,
            rows: (await answer.json()).out?.length,
            id: answer.headers.get("x-request-id"),
          };
        } catch (error) {
          return { error: String(error) };
        }
      },
      { url, token: TOKEN },
    );
  } finally {
    await browser.close();
  }
}

const pages = await serve((_, response) => response.end("<!doctype html><title>page</title>"));
const [own, other] = [new URL(pages.url).origin, `http://localhost:${new URL(pages.url).port}`];
const folder = mkdtempSync(join(tmpdir(), "erwin-clients-"));
const [file, tokenFile] = [join(folder, "model.safetensors"), join(folder, "token")];
writeFileSync(tokenFile, TOKEN);
const model = await makeModel(file);
const options = ["--model", file, "--knn", String(NEIGHBOURS), "--backend", "cpu"];
const service = await startService([...options, "--token-file", tokenFile, "--cors", own]);
try {
  const { status } = spawnSync("/usr/bin/python3", [python, service.url, TOKEN], { stdio: "inherit" });
  assert.equal(status, 0);

  const allowed = await askFromPage(own, service.url);
  assert.deepEqual([allowed.status, allowed.rows, typeof allowed.id], [200, 2, "string"]);
  assert.match(`${(await askFromPage(other, service.url)).error}`, /Failed to fetch/);
  console.log(`a page of ${own} gets its answer, one of ${other} gets none`);

  const metrics = await fetch(`${service.url}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } });
  const { status: valid, stderr } = spawnSync("promtool", ["check", "metrics"], { input: await metrics.text() });
  assert.deepEqual([valid, String(stderr)], [0, ""]);
  console.log("promtool has no complaint");
} finally {
  service.kill("SIGTERM");
  await service.ended;
  pages.close();
  model.device.dispose();
  rmSync(folder, { recursive: true, force: true });
}
