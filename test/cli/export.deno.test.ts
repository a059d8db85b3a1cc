// erwin export, as users call it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { saveSafetensors } from "erwin";
import { afterAll, describe, expect, it } from "vitest";
import { randomState } from "../support/clouds.ts";
import { checkpointBytes } from "../support/models.ts";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const config = {
  cIn: 3,
  cHidden: 8,
  ballSizes: [16, 16],
  encNumHeads: [2, 2],
  encDepths: [2, 1],
  decNumHeads: [2],
  decDepths: [1],
  strides: [4],
  rotate: 45,
};
const model = path("model.safetensors");
writeFileSync(model, checkpointBytes(config, randomState(config, 1)));

describe("erwin export", () => {
  it("writes an ONNX file", async () => {
    const onnx = path("model.onnx");
    const { code, stdout, stderr } = await erwin(["export", "--model", model, "--onnx", onnx]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/model\.onnx: .* KiB, for clouds of 33 points or more; for smaller ones: --points N$/m);
    expect(readFileSync(onnx, "latin1")).toContain("tree_idx_rot.0");
  });

  it("takes a run's folder for its best weights, as convert does", async () => {
    mkdirSync(path("run"));
    copyFileSync(model, path("run/model.safetensors"));
    const calls = [
      ["export", "--model", path("run"), "--onnx", path("run.onnx")],
      ["convert", path("run"), path("run.pt")],
    ];
    for (const words of calls) expect(await erwin(words)).toMatchObject({ code: 0, stderr: "" });
  });

  it("says what cannot be exported, and leaves no file behind", async () => {
    const onnx = path("never.onnx");
    const refusal = async (...words: string[]) => {
      const result = await erwin(["export", "--onnx", onnx, ...words]);
      expect(result.code).toBe(1);
      expect(existsSync(onnx)).toBe(false);
      return errorLine(result);
    };
    expect(await refusal("--model", path("nowhere"))).toMatch(/Cannot read ".*nowhere": no such file or folder\.$/);
    writeFileSync(path("points.csv"), "1 2 3\n");
    expect(await refusal("--model", path("points.csv"))).toMatch(/points\.csv: .*truncated/);
    const metadata = { config: JSON.stringify(config), experiment: "cosmology" };
    const weight = { shape: [1], data: Float32Array.of(1) };
    writeFileSync(path("run.safetensors"), saveSafetensors({ "embedding.weight": weight }, metadata));
    expect(await refusal("--model", path("run.safetensors"))).toMatch(
      /run\.safetensors: is the model of a run of "cosmology"/,
    );
    expect(await refusal("--model", model, "--points", "1")).toMatch(
      /points is 1, .*2 nodes at level 0, fewer than its stride 4/,
    );
  });
});
