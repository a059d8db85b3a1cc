// Saved runs that the training page opens obey the limits of all files, and are checked before they replace another run; a run that
// the browser does not keep stays on the page.

import { zipSync } from "fflate";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { saveSafetensors } from "../../src/formats/safetensors/safetensors.ts";
import { setLimits } from "../../src/limits.ts";
import { KeptRun } from "../../src/pages/train/kept-run.ts";
import { checkRun, readRunFile } from "../../src/pages/train/run-file.ts";
import { RunStore } from "../../src/pages/train/run-store.ts";

afterEach(() => setLimits({}));

const fileOf = (bytes: Uint8Array) => new File([bytes as Uint8Array<ArrayBuffer>], "run.zip");

/** Two megabytes of zeros in a few kilobytes. */
const bomb = zipSync({ "config.json": new Uint8Array(2 ** 20), "last.safetensors": new Uint8Array(2 ** 20) });

test("a saved run is read, each file in memory of its own", async () => {
  const config = new TextEncoder().encode("{}");
  const files = await readRunFile(fileOf(zipSync({ "config.json": config, "metrics.jsonl": config }, { level: 0 })));
  expect(files).toEqual({ "config.json": config, "metrics.jsonl": config });
  expect(files["config.json"]!.buffer.byteLength).toBe(2);
});

test.each([
  ["fileBytes", 1000],
  ["unpackedBytes", 2 ** 20 + 1],
  ["expansion", 400],
] as const)("beyond the limit %s it is refused by name, whichever of its files is too much", async (limit, value) => {
  expect(Object.keys(await readRunFile(fileOf(bomb)))).toHaveLength(2);
  setLimits({ [limit]: value });
  const error = await readRunFile(fileOf(bomb)).catch((reason: Error) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toMatch(new RegExp(`run\\.zip.* more than the limit ${limit}, ${value}`));
});

test("a file that is damaged is refused by name", async () => {
  const damaged = zipSync({ "config.json": new Uint8Array(1000).fill(7) }, { level: 0 });
  damaged[500] = 8;
  await expect(readRunFile(fileOf(damaged))).rejects.toThrow(/run\.zip.*"config\.json" is damaged/);
  await expect(readRunFile(fileOf(damaged.subarray(0, 900)))).rejects.toThrow(/run\.zip: not a ZIP archive/);
});

const config = { experiment: "overfit", backend: "cpu", options: { steps: 20 } };
const bytesOf = (text: string) => new TextEncoder().encode(text);
const run = {
  "config.json": bytesOf(JSON.stringify(config)),
  "metrics.jsonl": bytesOf('{"kind":"training","step":1}\n'),
  "last.safetensors": saveSafetensors(new Map()),
};

test.each<[string, Record<string, Uint8Array<ArrayBuffer>>, RegExp]>([
  ["a config that is cut", { "config.json": bytesOf("{") }, /config\.json is no JSON/],
  ["a config that is null", { "config.json": bytesOf("null") }, /holds no run/],
  [
    "another experiment",
    { "config.json": bytesOf(JSON.stringify({ ...config, experiment: "toString" })) },
    /no experiment/,
  ],
  [
    "another value",
    { "config.json": bytesOf(JSON.stringify({ ...config, options: { steps: "abc" } })) },
    /steps must be a whole number of at least 1, not "abc"/,
  ],
  [
    "a cut line",
    { "metrics.jsonl": bytesOf('{"kind":"training","step":1}\n{"kind"') },
    /metrics\.jsonl, line 2 is no JSON/,
  ],
  ["a line of something else", { "metrics.jsonl": bytesOf("7\n") }, /metrics\.jsonl, line 1: expected an entry/],
  ["a cut checkpoint", { "last.safetensors": run["last.safetensors"].slice(0, 7) }, /last\.safetensors: truncated/],
])("a saved run with %s is refused by name, and whole it is not", async (_, damage, message) => {
  await checkRun(run, "a.zip");
  const error = await checkRun({ ...run, ...damage }, "a.zip").catch((reason: Error) => reason);
  expect((error as Error).message).toMatch(/^a\.zip cannot be opened: /);
  expect((error as Error).message).toMatch(message);
});

test("a run stays in memory where there is no storage, and is lost with the page until it is downloaded", async () => {
  const reasons: string[] = [];
  const open = vi.spyOn(RunStore, "open").mockRejectedValue(new Error("no storage"));
  onTestFinished(() => open.mockRestore());
  const kept = new KeptRun((reason) => reasons.push(reason));
  await expect(kept.loadAll()).rejects.toThrow("no storage");
  const [one, two] = [new Uint8Array([1]), new Uint8Array([2])];
  await kept.replace({ a: one, b: one });
  await kept.save({ b: two });
  expect(await kept.loadAll()).toEqual({ a: one, b: two });
  expect(await kept.load("b")).toBe(two);
  expect(reasons, "told once").toEqual(["no storage"]);
  expect(kept.endsWithPage).toBe(true);
  kept.wasDownloaded();
  expect(kept.endsWithPage).toBe(false);
  await kept.save({ a: two });
  expect(kept.endsWithPage, "the download is out of date").toBe(true);
});
