// Exit codes, help, and errors of wrong use.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { useErwin } from "./calls.ts";
import { cliPath, errorLine, erwinAlone } from "./command.ts";

const erwin = useErwin();

describe("help", () => {
  it("lists the commands", async () => {
    for (const words of [["help"], ["--help"]]) {
      const { code, stdout } = await erwin(words);
      expect(code).toBe(0);
      for (const command of ["tree", "predict", "export", "bench", "info", "demo"])
        expect(stdout).toMatch(new RegExp(`^ +${command} `, "m"));
    }
  });

  it("explains a command", async () => {
    for (const words of [
      ["help", "tree"],
      ["tree", "--help"],
    ]) {
      const { code, stdout } = await erwin(words);
      expect(code).toBe(0);
      expect(stdout).toContain("usage: erwin tree --input FILE --output FILE");
      expect(stdout).toContain("--ball-sizes B,B,B");
    }
  });

  it("tells the version", async () => {
    expect((await erwin(["--version"])).stdout.trim()).toBe(packageJson.version);
  });
});

describe("wrong usage ends with code 2 and a hint", () => {
  it.each([
    [[], "usage: erwin COMMAND"],
    [["tre"], 'Unknown command "tre", perhaps "tree" was meant.'],
    [["tree"], "--input is missing."],
    [["tree", "--input", "a.ply"], "--output is missing."],
    [["tree", "--inptu", "a.ply"], "--inptu"],
    [["tree", "stray"], 'Unexpected argument "stray".'],
    [["tree", "--input", "a.ply", "--output", "b", "--strides", "2,x"], '--strides is "x", expected whole numbers'],
    [
      ["tree", "--input", "a.ply", "--output", "b", "--radius", "0"],
      '--radius is "0", expected a number greater than 0.',
    ],
    [
      ["tree", "--input", "a.ply", "--output", "b", "--radius", "1", "--knn", "3"],
      "--radius and --knn exclude each other.",
    ],
    [
      ["predict", "--model", "m", "--input", "a.ply", "--output", "b", "--backend", "cuda"],
      "expected one of auto, webgpu, cpu.",
    ],
    [
      ["predict", "--model", "m", "--input", "a.ply", "--output", "b", "--mode", "test"],
      "expected one of eval, train.",
    ],
    [["predict", "--model", "m", "--input", "a.ply", "--output", "b", "--shard", "1/2"], "--shard is for many files"],
    [["predict", "--model", "m", "--input", "a.ply", "c.ply", "--output", "b.safetensors"], "expected a folder"],
    [
      ["predict", "--model", "m", "--input", "a.ply", "c.ply", "--output", "b.csv"],
      '--output is "b.csv", expected a folder',
    ],
    [
      ["predict", "--model", "m", "--input", "a.ply", "--output", "b.csv", "--format", "csv"],
      "--format is for many files",
    ],
    [
      ["predict", "--model", "m", "--input", "a.ply", "c.ply", "--output", "b", "--format", "stl"],
      "expected one of safetensors, npz, npy, csv, ply, vtk, vtu, vtp.",
    ],
    [
      ["predict", "--model", "m", "--input", "a.ply", "--output", "out.stl"],
      '--output is "out.stl", expected a file that ends in .safetensors, .npz, .npy, .csv, .ply, .vtk, .vtu, .vtp.',
    ],
    [["predict", "--model", "m", "--input", "a.ply", "--output", "b.csv", "--features", "p,,q"], "--features is"],
    [["tree", "--input", "a.ply", "--output", "tree.csv"], "expected a file that ends in .safetensors, .npz."],
    [["bench", "everything"], 'Unknown benchmark "everything"'],
    [["bench", "forward", "--dawn-features", "disable_robustness"], "this host has its own."],
    [["bench", "forward", "--dawn-features", "a,B"], '--dawn-features has "B", expected names'],
    [
      ["train", "farthest", "--out", "x", "--loss-scale", "static"],
      '--loss-scale is "static", expected dynamic or a number of at least 1.',
    ],
    [["train", "farthest", "--out", "x", "--ema", "1"], '--ema is "1", expected a number of at least 0 and below 1.'],
    [
      ["train", "farthest", "--out", "x", "--num-epochs", "2", "--steps", "1"],
      "--steps and --num-epochs are the same option: give one of them.",
    ],
    [
      ["train", "farthest", "--out", "x", "--gradient-precision", "half"],
      "--gradient-precision half is for --precision mixed.",
    ],
    [["info", "a", "b"], 'Unexpected argument "b".'],
  ])("erwin %j", async (words, message) => {
    const { code, stdout, stderr } = await erwin(words);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/usage: erwin|See "erwin help/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

describe("failures end with code 1 and one line", () => {
  it("names a file that is not there", async () => {
    const result = await erwin(["info", "nowhere.ply"]);
    expect(result.code).toBe(1);
    expect(errorLine(result)).toBe('Cannot read "nowhere.ply": no such file or folder.');
  });

  it("says that standard output could not be written", () => {
    const program = [process.execPath, "run", "-A", "--no-prompt", cliPath, "help"];
    const { status, stderr } = spawnSync("sh", ["-c", '"$@" > /dev/full', "sh", ...program], { encoding: "utf8" });
    expect([status, stderr]).toEqual([1, "error: Cannot write standard output: no space left on the device.\n"]);
  });

  it("says which permission is missing", async () => {
    const result = await erwinAlone(["info", "nowhere.ply"], { flags: ["--deny-read"] });
    expect(result.code).toBe(1);
    expect(errorLine(result)).toMatch(/^Deno refused: Requires read access to .*--allow-read/);
  });
});
