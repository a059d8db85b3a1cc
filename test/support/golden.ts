// Reads the parts of a golden file: its config, state, tree and inputs, in the library's terms.

import { loadGolden } from "./files.ts";

export type Golden = Awaited<ReturnType<typeof loadGolden>>;

type State = Map<string, { shape: number[]; data: Float32Array | BigInt64Array }>;

/** The golden files that hold one forward pass. */
export const forwardCases = [
  "a_2d_tiny_train",
  "c_3d_rot_eval",
  "d_mixed_strides_train",
  "e_encoder_only_train",
  "s_small_clouds_eval",
];

export interface GoldenCase {
  golden: Golden;
  /** In the reference's snake_case. */
  config: object;
  train: boolean;
  /** Parameters and buffers before the run. */
  state: State;
  /** The input of the forward pass; without a tree if none is stored. */
  input: {
    nodeFeatures: Float32Array;
    nodePositions: Float32Array;
    batchIdx: Int32Array;
    edgeIndex?: Int32Array;
    tree?: { treeIdx: Int32Array; treeMask: Uint8Array; treeIdxRot: Int32Array[] };
  };
}

export async function loadGoldenCase(name: string): Promise<GoldenCase> {
  const golden = await loadGolden(name);
  const floats = (tensor: string) => golden.tensors.get(tensor)?.data as Float32Array;
  const integers = (tensor: string) => golden.tensors.get(tensor)?.data as Int32Array;
  const edgeIndex = integers("edge_index");
  const tree = {
    treeIdx: integers("tree_idx"),
    treeMask: golden.tensors.get("tree_mask")?.data as Uint8Array,
    treeIdxRot: [...golden.tensors.keys()]
      .filter((tensor) => tensor.startsWith("tree_idx_rot."))
      .sort()
      .map(integers),
  };
  return {
    golden,
    config: JSON.parse(golden.metadata.config),
    train: golden.metadata.mode === "train",
    state: tensorsBelow(golden, "state."),
    input: {
      nodeFeatures: floats("node_features"),
      nodePositions: floats("node_positions"),
      batchIdx: integers("batch_idx"),
      ...(edgeIndex && { edgeIndex }),
      ...(tree.treeIdx && { tree }),
    },
  };
}

/** Returns the tensors whose names begin with `prefix`, by the rest of their names. */
export function tensorsBelow(golden: Golden, prefix: string): State {
  const entries = [...golden.tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(entries.map(([name, tensor]) => [name.slice(prefix.length), tensor])) as State;
}

/** Returns the values of one tensor. */
export function numbers(golden: Golden, name: string): ArrayLike<number> {
  const tensor = golden.tensors.get(name);
  if (!tensor) throw new Error(`the golden file has no ${name}`);
  return tensor.data as ArrayLike<number>;
}
