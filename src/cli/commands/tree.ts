// erwin tree: writes ball tree, rotated partitions and graph of a file's points as arrays.

import type { SafeTensorInput } from "../../formats/bytes/elements.ts";
import { encodeArrays } from "../../formats/write-arrays.ts";
import { buildBallTree, disposeThreads } from "../../index.ts";
import { readCloudFile } from "../clouds.ts";
import type { Arguments, Command } from "../command.ts";
import { checkOutput, writeWhole } from "../files/files.ts";
import { buildGraph } from "../graph.ts";
import { fileOptions, graphOptions, readGraphChoice, threadsOption } from "../options/shared.ts";
import { arrayFormat } from "../output.ts";
import { withProgress } from "../process/progress.ts";
import { formatPlural, formatTime } from "../text.ts";

export const tree: Command = {
  summary: "build ball trees, rotated partitions and graphs",
  usage:
    "--input FILE --output FILE [--strides 2,2 --ball-sizes 128,128,128 --rotate 45] [--radius R | --knn K] [--threads N]",
  options: {
    ...fileOptions,
    strides: { value: "S,S", description: "nodes merged into one between levels (default: none, one level)" },
    "ball-sizes": { value: "B,B,B", description: "nodes in a ball, one more than strides; needed with --rotate" },
    rotate: { value: "DEGREES", description: "angle of the rotated partitions (default 0: none)" },
    ...graphOptions,
    ...threadsOption,
  },
  run,
};

async function run(args: Arguments): Promise<void> {
  const [input, output] = [args.required("input"), args.required("output")];
  const treeOptions = {
    strides: args.counts("strides"),
    ballSizes: args.counts("ball-sizes"),
    rotate: args.number("rotate", "an angle in degrees", () => true),
    threads: args.count("threads"),
  };
  const graph = readGraphChoice(args);
  const format = arrayFormat(output);
  checkOutput(output, [input]);
  try {
    const cloud = await readCloudFile(input);
    const start = performance.now();
    const { positions, dimensionality, batchIdx } = cloud;
    const { treeIdx, treeMask, treeIdxRot } = await withProgress("ball tree", () =>
      buildBallTree(positions, { dimensionality, batchIdx, ...treeOptions }),
    );
    const treeTime = performance.now() - start;
    const arrays = new Map<string, SafeTensorInput>([
      ["tree_idx", { shape: [treeIdx.length], data: treeIdx }],
      ["tree_mask", { shape: [treeMask.length], data: treeMask }],
    ]);
    treeIdxRot.forEach((data, level) => arrays.set(`tree_idx_rot.${level}`, { shape: [data.length], data }));
    if (graph) {
      const data = await buildGraph(cloud, graph, treeOptions.threads);
      arrays.set("edge_index", { shape: [2, data.length / 2], data });
    }
    writeWhole(output, encodeArrays(arrays, format));

    const edges = arrays.get("edge_index")?.shape[1];
    const facts = [formatPlural(cloud.points, "point"), formatPlural(treeIdx.length, "slot")];
    if (treeIdxRot.length > 0) facts.push(formatPlural(treeIdxRot.length, "rotated partition"));
    if (edges !== undefined) facts.push(formatPlural(edges, "edge"));
    console.log(`${output}: ${facts.join(", ")}; tree in ${formatTime(treeTime)}`);
  } finally {
    disposeThreads();
  }
}
