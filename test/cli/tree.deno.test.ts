// erwin tree, as users call it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadSafetensors, saveSafetensors } from "erwin";
import { afterAll, describe, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

/** Two clouds of 9 and 4 points on lines. */
const positions = Float32Array.from({ length: 39 }, (_, i) => (i % 3 === 0 ? i / 3 : 0));
const batch = Int32Array.from({ length: 13 }, (_, i) => (i < 9 ? 0 : 1));
const input = path("clouds.safetensors");
writeFileSync(
  input,
  saveSafetensors({
    node_positions: { shape: [13, 3], data: positions },
    batch_idx: { shape: [13], data: batch },
  }),
);
const output = path("tree.safetensors");
const read = () => loadSafetensors(readFileSync(output)).tensors;

describe("erwin tree", () => {
  it("writes the tree of every cloud", async () => {
    const { code, stdout, stderr } = await erwin(["tree", "--input", input, "--output", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("13 points, 20 slots");
    const tensors = read();
    expect([...tensors.keys()].sort()).toEqual(["tree_idx", "tree_mask"]);
    const [treeIdx, mask] = ["tree_idx", "tree_mask"].map((name) => Array.from(tensors.get(name)?.data ?? [], Number));
    expect(treeIdx.slice(0, 16).every((point) => point < 9)).toBe(true);
    expect(treeIdx.slice(16)).toEqual([9, 10, 11, 12]);
    expect(treeIdx.filter((_, slot) => mask[slot]).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 13 }, (_, i) => i),
    );
  });

  it("writes rotated partitions and a graph", async () => {
    const words = ["--strides", "2,2", "--ball-sizes", "4,2,2", "--rotate", "45", "--radius", "1.5"];
    const { code, stderr } = await erwin(["tree", "--input", input, "--output", output, ...words]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const tensors = read();
    expect(tensors.get("tree_idx_rot.0")?.shape).toEqual([20]);
    expect(tensors.get("tree_idx_rot.1")?.shape).toEqual([10]);
    expect(tensors.get("tree_idx_rot.2")?.shape).toEqual([5]);
    // The neighbours on a line are at distance 1, and every point is its own neighbour.
    expect(tensors.get("edge_index")?.shape).toEqual([2, 13 + 2 * 8 + 2 * 3]);
  });

  it.each([
    ["points.csv", "x,y\n0,0\n1,0\n0,2\n"],
    ["points.obj", "v 0 0 0\nv 1 0 0\nv 0 2 0\n"],
  ])("takes %s as one cloud", async (name, text) => {
    writeFileSync(path(name), text);
    const { code, stderr } = await erwin([
      "tree",
      "--input",
      path(name),
      "--output",
      output,
      "--knn",
      "2",
      "--threads",
      "1",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(read().get("tree_idx")?.shape).toEqual([4]);
    expect(read().get("edge_index")?.shape).toEqual([2, 6]);
  });

  it.each(["stored", "deflated"])("reads %s.npz as NumPy wrote it", async (name) => {
    const file = fileURLToPath(new URL(`../formats/numpy/${name}.npz`, import.meta.url));
    const { code, stdout, stderr } = await erwin(["tree", "--input", file, "--output", output, "--radius", "1"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // The archive's batch_idx gives clouds of three and two points, whose points are 0.65 apart.
    expect(stdout).toContain("5 points, 6 slots, 11 edges");
  });

  it("reads an HDF5 file as h5py wrote it", async () => {
    const file = fileURLToPath(new URL("../formats/hdf5/foreign.h5", import.meta.url));
    const { code, stdout, stderr } = await erwin(["tree", "--input", file, "--output", output, "--knn", "1"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("2 points, 2 slots, 2 edges");
  });

  it("leaves the output as it was when something goes wrong", async () => {
    writeFileSync(output, "precious");
    writeFileSync(path("cut.safetensors"), readFileSync(input).subarray(0, 200));
    writeFileSync(path("nan.csv"), "x,y\n0,0\n1,nan\n");
    writeFileSync(
      path("shapes.safetensors"),
      saveSafetensors({
        node_positions: { shape: [13, 3], data: positions },
        batch_idx: { shape: [2], data: Int32Array.of(0, 0) },
      }),
    );
    for (const [words, message] of [
      [["--input", path("cut.safetensors")], /cut\.safetensors: /],
      [["--input", path("nan.csv")], /nan\.csv: row 3, column 2: "nan" is not a number/],
      [["--input", path("shapes.safetensors")], /batch_idx has the shape \[2\], expected \[13\]/],
      [["--input", path("points.stl")], /points\.stl/],
      [["--input", input, "--strides", "3", "--ball-sizes", "4,4"], /strides/],
    ] as const) {
      const result = await erwin(["tree", "--output", output, ...words]);
      expect(result.code).toBe(1);
      expect(errorLine(result)).toMatch(message);
    }
    expect(readFileSync(output, "utf8")).toBe("precious");
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("refuses an output that cannot be before it computes", async () => {
    const result = await erwin(["tree", "--input", input, "--output", path("no/such/folder.safetensors")]);
    expect(result.code).toBe(1);
    expect(errorLine(result)).toMatch(/^Cannot write ".*folder\.safetensors": no such file or folder\.$/);
  });
});
