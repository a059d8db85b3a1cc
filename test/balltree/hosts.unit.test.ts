// Workers of this host: one that never begins is an error, not a hang, and Firefox starts none inside a worker.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { hasWorkers, startWorker } from "../../src/balltree/hosts.ts";
import { WorkerError } from "../../src/errors.ts";
import { givenScript } from "../../src/worker/script.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a worker that sends nothing for 60 s is a WorkerError that names it", () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-hosts-"));
  const script = join(folder, "silent.mjs");
  writeFileSync(script, "setInterval(() => {}, 1000);");
  const url = pathToFileURL(script);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const errors: WorkerError[] = [];
  const listener = { onMessage: () => {}, onError: (error: WorkerError) => errors.push(error) };
  const worker = startWorker(givenScript(url), listener);
  startWorker(givenScript(url), listener).stop();
  vi.advanceTimersByTime(59_000);
  expect(errors).toEqual([]);
  vi.advanceTimersByTime(1000);
  worker.stop();
  rmSync(folder, { recursive: true });
  // One: the other was stopped before.
  expect(errors).toHaveLength(1);
  expect(errors[0]).toBeInstanceOf(WorkerError);
  expect(errors[0].message).toContain("60 s");
  expect(errors[0].details.url).toBe(url.href);
});

test("Firefox has workers on a page, not inside a worker", () => {
  const script = givenScript(new URL("https://example.org/worker.js"));
  vi.stubGlobal("Worker", class {});
  vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0" });
  expect(hasWorkers(script)).toBe(false);
  vi.stubGlobal("document", {});
  expect(hasWorkers(script)).toBe(true);
});
