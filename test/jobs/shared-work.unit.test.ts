// Which process does which job, when outputs count as done, and what happens to jobs whose owner has died or whose storage fails.

import { saveSafetensors } from "erwin";
import { expect, it } from "vitest";
import { InputError } from "../../src/errors.ts";
import { type Recipe, sha256 } from "../../src/jobs/job.ts";
import { type LeaseContent, Leases, leaseFile } from "../../src/jobs/leases.ts";
import { readRecord } from "../../src/jobs/record.ts";
import { type Claim, SharedWork, type SharedWorkOptions } from "../../src/jobs/shared-work.ts";
import { MemoryFiles } from "./memory-files.ts";

const text = (value: string) => new TextEncoder().encode(value);
const recipe: Recipe = { model: await sha256(text("model")), options: { mode: "eval", radius: undefined } };
const prediction = ({ input }: Claim) => saveSafetensors({ out: { shape: [input.length], data: input } });

let processes = 0;
/** The work of one process on inputs "0", "1", ... */
function start(store: MemoryFiles, options: Partial<SharedWorkOptions> & { seconds?: number; count?: number } = {}) {
  const { seconds = 100, count = 3, ...more } = options;
  const leases = new Leases(store, { owner: `process ${processes++}`, seconds });
  const failures: string[] = [];
  const work = new SharedWork({
    jobs: Array.from({ length: count }, (_, i) => ({ input: String(i), output: `${i}.safetensors` })),
    inputs: { read: async (path) => text(`input ${path}`) },
    outputs: store,
    recipe,
    leases,
    onFailure: ({ input }, error) => failures.push(`${input}: ${(error as Error).message}`),
    ...more,
  });
  return { work, leases, failures };
}

/** Works until all jobs are done; returns the inputs that this process has predicted. */
async function finishAll(work: SharedWork, predict: (claim: Claim) => Uint8Array = prediction): Promise<string[]> {
  const done: string[] = [];
  for await (const claims of work.passes()) {
    for await (const claim of claims) if (await claim.finish(predict(claim))) done.push(claim.job.input);
  }
  return done;
}

const names = (store: MemoryFiles) => [...store.files.keys()].sort();

it("makes an output again where model, input or options are others than its own, and skips it otherwise", async () => {
  const store = new MemoryFiles();
  const run = async (options: Partial<SharedWorkOptions> = {}) => {
    const { work, leases } = start(store, options);
    const done = (await work.skipDone()) > 0 ? await finishAll(work) : [];
    await leases.stop();
    return done;
  };
  expect(await run()).toEqual(["0", "1", "2"]);
  expect(names(store)).toEqual(["0.safetensors", "1.safetensors", "2.safetensors"]);
  expect(await run()).toEqual([]);
  expect(await run({ inputs: { read: async (path) => text(path === "1" ? "changed" : `input ${path}`) } })).toEqual([
    "1",
  ]);
  expect(await run()).toEqual(["1"]);
  expect(await run({ recipe: { ...recipe, model: await sha256(text("another model")) } })).toEqual(["0", "1", "2"]);
  expect(await run({ recipe: { ...recipe, options: { mode: "train" } } })).toEqual(["0", "1", "2"]);
  expect(await run({ recipe: { ...recipe, options: { mode: "train" } }, overwrite: true })).toEqual(["0", "1", "2"]);
});

it("keeps the record beside an output of a format without metadata, and never one of another output", async () => {
  const store = new MemoryFiles();
  const jobs = [{ input: "0", output: "0.csv" }];
  const run = (more: Partial<SharedWorkOptions>) => finishAll(start(store, { jobs, ...more }).work);
  expect(await run({})).toEqual(["0"]);
  expect(names(store)).toEqual(["0.csv", "0.csv.job.json"]);
  expect(await run({})).toEqual([]);
  // The process dies between writing the output of another recipe and its record.
  store.onWrite = (path) => {
    if (path.endsWith(".job.json")) throw new Error("killed");
  };
  expect(await run({ recipe: { ...recipe, options: { mode: "train" } } })).toEqual([]);
  expect(await readRecord(store, "0.csv")).toBeUndefined();
  store.onWrite = () => {};
  expect(await run({})).toEqual(["0"]);
});

it("shares the work of several processes, each output made by one of them", async () => {
  const store = new MemoryFiles();
  const all = Array.from({ length: 3 }, () => start(store, { count: 40 }));
  const done = await Promise.all(all.map(({ work }) => finishAll(work)));
  for (const { leases } of all) await leases.stop();
  expect(
    done
      .flat()
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 40 }, (_, i) => i));
  for (const some of done) expect(some.length).toBeGreaterThan(0);
  expect(names(store).length).toBe(40);
});

it("takes over from a process that shows no sign of life, whose own late output is then not written", async () => {
  const store = new MemoryFiles();
  // This process no longer renews its leases.
  const save = () => {
    throw new Error("this process is stopped");
  };
  const stopped = start(Object.assign(Object.create(store) as MemoryFiles, { save }), { seconds: 0.2 });
  const pass = (await stopped.work.passes().next()).value!;
  const claim = (await pass.next()).value as Claim;
  const other = start(store, { seconds: 0.2 });
  expect(await finishAll(other.work)).toEqual(["1", "2", "0"]);
  expect(names(store)).toEqual(["0.safetensors", "1.safetensors", "2.safetensors"]);
  expect(await claim.finish(text("what no safetensors file is"))).toBe(false);
  expect(stopped.failures).toEqual([]);
  await other.leases.stop();
  await stopped.leases.stop();
  expect(names(store)).toEqual(["0.safetensors", "1.safetensors", "2.safetensors"]);
});

it("takes over although what the dead process has left cannot be deleted", async () => {
  const store = new MemoryFiles();
  store.save(leaseFile("a.npy", 1), text(JSON.stringify({ owner: "dead" })));
  store.sweep = () => {
    throw Object.assign(new Error("the disk fails"), { code: "EIO" });
  };
  const isDead = ({ owner }: LeaseContent) => owner === "dead";
  const leases = new Leases(store, { owner: "one", seconds: 100, isDead });
  await (await leases.take("a.npy"))?.release();
  expect(names(store)).toEqual([]);
  await leases.stop();
});

it("leaves no lease where a renewal takes long, and the next one is due before it has ended", async () => {
  const store = new MemoryFiles();
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const delays = [150, 10];
  const save = async (path: string, bytes: Uint8Array<ArrayBuffer>) => {
    await pause(delays.shift() ?? 0);
    store.save(path, bytes);
  };
  const slow = Object.assign(Object.create(store) as MemoryFiles, { save });
  const leases = new Leases(slow, { owner: "one", seconds: 0.2 });
  const lease = await leases.take("a.npy");
  await pause(160);
  await lease?.release();
  await pause(100);
  await leases.stop();
  expect(names(store)).toEqual([]);
});

it("waits for a process that lives, however long its job takes", async () => {
  const store = new MemoryFiles();
  const slow = start(store, { seconds: 0.2 });
  const claim = (await (await slow.work.passes().next()).value!.next()).value as Claim;
  const waiting = finishAll(start(store, { seconds: 0.2 }).work);
  await new Promise((resolve) => setTimeout(resolve, 800));
  expect(await claim.finish(prediction(claim))).toBe(true);
  expect(await waiting).toEqual(["1", "2"]);
});

it("tries again what failed because the disk was full, and names what fails for another reason", async () => {
  const store = new MemoryFiles();
  let full = 2;
  store.onWrite = (path) => {
    if (!path.includes("lease") && full-- > 0) throw new InputError("full", { reason: "ENOSPC" });
    if (path.startsWith("1.")) throw new InputError("not permitted", { reason: "EACCES" });
  };
  const { work, failures } = start(store);
  expect(await finishAll(work)).toEqual(["0", "2"]);
  expect(failures).toEqual(["1: not permitted"]);
  expect(work.counts).toEqual({ predicted: 2, skipped: 0, failed: 1 });
});

it("ends where the disk stays full", async () => {
  const store = new MemoryFiles();
  store.onWrite = () => {
    throw new InputError("full", { reason: "ENOSPC" });
  };
  const { work, failures } = start(store, { patience: 1 });
  await expect(finishAll(work)).rejects.toThrow("full");
  expect(failures).toEqual([]);
});

it("ends without its pause where it is stopped in the middle of a pass", { timeout: 25_000 }, async () => {
  const stop = new AbortController();
  const { work, leases } = start(new MemoryFiles(), { signal: stop.signal, pause: 30_000 });
  const predict = (claim: Claim) => {
    stop.abort();
    return prediction(claim);
  };
  expect(await finishAll(work, predict)).toEqual(["0"]);
  await leases.stop();
});
