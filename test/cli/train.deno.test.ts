// erwin train: an interrupted run continues and reaches the very same weights.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadSafetensors } from "erwin";
import { afterAll, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, erwinAlone, interruptErwin, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const words = (folder: string) => [
  "train",
  "farthest",
  "--out",
  path(folder),
  "--steps",
  "8",
  "--batch-size",
  "1",
  "--accumulate",
  "2",
  "--ema",
  "0.9",
  "--validate-every",
  "100",
  "--loss-scale",
  "dynamic",
  "--max-predictions",
  "1",
];

it("goes on after SIGINT, and ends with the same bits as a run that was not interrupted", async () => {
  const first = await interruptErwin([...words("interrupted"), "--save-every", "2"], 5, () =>
    existsSync(path("interrupted/last.safetensors")),
  );
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/stopped after [1-7] of 8 steps/);
  const second = await erwin(words("interrupted"));
  expect(second.code, second.stderr).toBe(0);
  expect(second.stdout).toContain("done in");

  // How erwin sweep starts it: the signs come also while kernels are compiled or computed.
  const whole = await erwinAlone([...words("whole"), "--signs-of-life", "--limit", "silenceSeconds=0.5"]);
  expect(whole.code, whole.stderr).toBe(0);
  expect(whole.stdout.match(/^erwin, alive$/gm)?.length).toBeGreaterThan(3);
  expect(readFileSync(path("interrupted/last.safetensors")).equals(readFileSync(path("whole/last.safetensors")))).toBe(
    true,
  );
  const { metadata, tensors } = loadSafetensors(readFileSync(path("whole/last.safetensors")));
  expect(JSON.parse(metadata.training)).toMatchObject({ step: 8, batches: 16, optimizer: { averageDecay: 0.9 } });
  const saved = loadSafetensors(readFileSync(path("whole/model.safetensors"))).tensors;
  const name = [...saved.keys()].find((name) => tensors.has(`optimizer.average.${name}`))!;
  expect(saved.get(name)).toEqual(tensors.get(`optimizer.average.${name}`));
  expect(saved.get(name)).not.toEqual(tensors.get(name));
  expect(readFileSync(path("whole/curve.svg"), "utf8")).toMatch(/^<svg .*polyline/s);
  const entries = readFileSync(path("whole/metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(entries.at(-1)).toMatchObject({ kind: "test", step: 8 });
  expect(entries.find(({ kind }) => kind === "training")).toMatchObject({ lossScale: 65536 });
});

it("refuses an experiment it does not know", async () => {
  const result = await erwin(["train", "everything", "--out", path("x")]);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("farthest, overfit");
  expect(errorLine(await erwin(["train", "farthest", "--out", fileURLToPath(import.meta.url)]))).toContain(
    "train.deno.test.ts",
  );
});
