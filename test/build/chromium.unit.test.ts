// The Chromium that the set-up downloads where the system has none. The server is this test's own: it gives what Playwright asks for.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { strToU8, zipSync } from "fflate";
import { expect, it } from "vitest";
import { root } from "../../src/build/steps.mjs";

/** Archives of every name that Playwright gives Chromium's folder on Linux, and the program that makes its videos. */
const archive = zipSync({
  "chrome-linux64/chrome": strToU8("chromium"),
  "chrome-linux/chrome": strToU8("chromium"),
  "ffmpeg-linux": strToU8("ffmpeg"),
});

it("a downloaded Chromium is found", async () => {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url ?? "");
    response.setHeader("content-length", archive.length).end(archive);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const folder = mkdtempSync(join(tmpdir(), "erwin-chromium-"));
  const run = async (code: string) => {
    const script = `import { downloadChromium, findDownloaded } from "./src/build/chromium.mjs"; ${code}`;
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { ...process.env, PLAYWRIGHT_BROWSERS_PATH: folder, PLAYWRIGHT_DOWNLOAD_HOST: address };
    const options = { cwd: root, env, timeout: 60_000 };
    return (await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], options)).stdout;
  };
  try {
    expect(await run("console.log(findDownloaded())")).toBe("undefined\n");
    const found = await run("await downloadChromium({ libraries: false }); console.log(findDownloaded())");
    expect(found.trim().split("\n").at(-1)).toMatch(new RegExp(`^${folder}/chromium-\\d+/chrome-linux(64)?/chrome$`));
    // The shell without an interface, of 100 MB, is not needed.
    expect(asked.join()).not.toContain("shell");
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
