// The larger runs are leases.mjs and queue.mjs (src/jobs/README.md).

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { temporaryFolder } from "../cli/command.ts";
import { addProgram, runScript, schedulerFile } from "./schedulers.ts";
import { differences, makeClouds, POINTS, predictAlone, predictByThree } from "./swarm.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);
const count = 40;
const options = ["--batch-points", String(2 * POINTS), "--lease", "1"];

beforeAll(async () => {
  await makeClouds(folder, count);
  expect(await predictAlone(folder, "alone", ...options)).toMatchObject({ code: 0, stderr: "" });
});

it("three processes share a folder: one killed, one stopped beyond its lease, and all outputs are those of one alone", async () => {
  const swarm = await predictByThree(folder, "shared", count, options);
  for (const { code, stderr } of swarm.results) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  // The folder contains nothing else, neither leases nor temporary files.
  expect(differences(path("shared"), path("alone"))).toEqual([]);
});

describe("the examples for schedulers divide the files, and all outputs are those of one process", () => {
  beforeAll(() => addProgram(folder));

  it("an indexed job of Kubernetes", async () => {
    const { spec } = parse(readFileSync(schedulerFile("kubernetes.yaml"), "utf8"));
    expect(spec.completionMode).toBe("Indexed");
    const { command, args } = spec.template.spec.containers[0];
    const words: string[] = [...command, ...args].map((word) => word.replace("predictions", "kubernetes"));
    const indices = Array.from({ length: spec.completions }, (_, index) => ({ JOB_COMPLETION_INDEX: String(index) }));
    await Promise.all(indices.map((variables) => runScript(folder, words, variables)));
    expect(differences(path("kubernetes"), path("alone"))).toEqual([]);
  });

  it("a job array of SLURM", async () => {
    const script = readFileSync(schedulerFile("slurm.sh"), "utf8").replace("--output predictions", "--output slurm");
    const tasks = ["1", "2"].map((id) => ({ SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_COUNT: "2" }));
    await Promise.all(tasks.map((variables) => runScript(folder, ["bash", "-c", script], variables)));
    expect(differences(path("slurm"), path("alone"))).toEqual([]);
  });
});
