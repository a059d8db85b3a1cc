// erwin gradients on golden cases, whose results another framework can be compared with.

import { readFileSync, writeFileSync } from "node:fs";
import { loadSafetensors, saveSafetensors } from "erwin";
import { afterAll, describe, expect, it } from "vitest";
import { l2Error } from "../support/compare.ts";
import { loadGolden } from "../support/files.ts";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

/** Writes a golden case as the files that the command line takes: a checkpoint, and an input with its probe. */
async function split(name: string, withProbe = true) {
  const { tensors, metadata } = await loadGolden(name);
  const state = [...tensors].filter(([key]) => key.startsWith("state.")).map(([key, t]) => [key.slice(6), t] as const);
  const inputs = [...tensors].filter(([key]) => /^(node_|batch_idx|edge_index|tree_)/.test(key));
  if (withProbe) inputs.push(["probe", tensors.get("probe")!]);
  const [model, input] = [path(`${name}-model.safetensors`), path(`${name}-input.safetensors`)];
  writeFileSync(model, saveSafetensors(new Map(state), { config: metadata.config }));
  writeFileSync(input, saveSafetensors(new Map(inputs)));
  return { tensors, info: JSON.parse(metadata.info), words: ["--model", model, "--input", input] };
}

const output = path("out.safetensors");
const again = path("again.safetensors");

describe("erwin gradients", () => {
  it.each([
    ["c_3d_rot_eval", "eval"],
    ["d_mixed_strides_train", "train"],
  ])("writes every gradient of %s, and none where there is none", async (name, mode) => {
    const { tensors, info, words } = await split(name);
    const run = (file: string) => erwin(["gradients", ...words, "--output", file, "--mode", mode]);
    const { code, stdout, stderr } = await run(output);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/out \[\d+, \d+\] and \d+ more tensors by (webgpu|cpu)/);
    const bytes = readFileSync(output);
    await run(again);
    expect(readFileSync(again).equals(bytes)).toBe(true);
    const written = loadSafetensors(bytes).tensors;
    const expected = [...tensors.keys()].filter((key) => key.startsWith("grad.") || key === "grad_features");
    expect([...written.keys()].sort()).toEqual([...expected, "out"].sort());
    for (const key of expected) {
      expect(written.get(key)?.shape, key).toEqual(tensors.get(key)?.shape);
      if (info.grad_err.zero_in_exact_arithmetic.includes(key.slice(5))) continue;
      const [found, wanted] = [written, tensors].map((from) => from.get(key)!.data as Float32Array);
      expect(l2Error(found, wanted), key).toBeLessThan(1e-4);
    }
  });

  it("says what is wrong with the probe", async () => {
    const { words } = await split("a_2d_tiny_train", false);
    const missing = await erwin(["gradients", ...words, "--output", output]);
    expect(missing.code).toBe(1);
    expect(errorLine(missing)).toMatch(/input\.safetensors: has no probe, expected .*\[164, 8\]/);
  });
});
