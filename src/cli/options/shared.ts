// The options that several commands share, and their parsers.

import type { BackendName, GradientPrecision, Precision } from "../../index.ts";
import { type Arguments, type CommandOption, UsageError } from "../command.ts";

export const fileOptions = {
  input: {
    value: "FILE",
    description:
      "points, and what else there is: .safetensors .npz .h5 .nc .mat .e .exo .ex2 .vtkhdf; points and --features also .vtu .vtp .vti .vtr .vts .vtk .msh .ply .pcd .las .laz .csv .tsv .xyz .extxyz .lammpstrj .dump .pdb .ent .npy; points alone .obj .off .stl",
  },
  output: { value: "FILE", description: "a .safetensors or .npz file; it appears whole or not at all" },
} satisfies Record<string, CommandOption>;

const featuresOption = {
  features: {
    value: "NAME,...",
    description:
      "what of the input is the features: columns of tables and dumps, what .pdb has of atoms, properties of .ply and .extxyz, fields of .pcd, .las and .laz, point data of VTK's formats and .msh, arrays of .npz, .h5 and .safetensors (default: node_features)",
  },
} satisfies Record<string, CommandOption>;

export const graphOptions = {
  radius: {
    value: "R",
    description: "graph: edges between points nearer than R (at most 32 a point, itself included)",
  },
  knn: {
    value: "K",
    description:
      "graph: edges from the K nearest other points of each point (the knn of a folder's config counts the point itself, but for loop: false)",
  },
} satisfies Record<string, CommandOption>;

export const threadsOption = {
  threads: { value: "N", description: "worker threads (default: one a processor core, at most 8)" },
} satisfies Record<string, CommandOption>;

export const deviceOptions = {
  backend: { value: "NAME", description: "auto (default: WebGPU where it works), webgpu or cpu" },
  precision: {
    value: "P",
    description: "float32 (default) or mixed: products in half precision, where the adapter has it",
  },
  ...threadsOption,
} satisfies Record<string, CommandOption>;

/** The options of commands that train. */
export const trainingDeviceOptions = {
  ...deviceOptions,
  "gradient-precision": {
    value: "P",
    description: "float32 (default) or half: the backward pass's products with --precision mixed; wants a --loss-scale",
  },
} satisfies Record<string, CommandOption>;

/** Points up to which clouds share a pass: enough to keep a GPU busy, and only seconds of work for a CPU, for which interruptions wait. */
export const BATCH_POINTS = 16_384;

/** The seconds without a renewal after which a lease is taken over: many, because a process that is busy with a large file may be slow. */
export const LEASE_SECONDS = 30;

export function readLease(args: Arguments): number {
  return args.number("lease", "a number of seconds greater than 0", (value) => value > 0) ?? LEASE_SECONDS;
}

/** The graph to build, if any. */
export type GraphChoice = { radius: number } | { k: number } | undefined;

export function readGraphChoice(args: Arguments): GraphChoice {
  const radius = args.number("radius", "a number greater than 0", (value) => value > 0);
  const k = args.count("knn");
  if (radius !== undefined && k !== undefined) throw new UsageError("--radius and --knn exclude each other");
  if (radius !== undefined) return { radius };
  return k === undefined ? undefined : { k };
}

export interface DeviceChoice {
  backend: BackendName | "auto";
  precision?: Precision;
  gradientPrecision?: GradientPrecision;
  threads?: number;
  /** Further toggles to enable where WebGPU is Dawn's (node-gpu.ts). */
  dawnToggles?: readonly string[];
}

export function readDeviceChoice(args: Arguments): DeviceChoice {
  return {
    backend: args.choice("backend", ["auto", "webgpu", "cpu"] as const) ?? "auto",
    precision: args.choice("precision", ["float32", "mixed"] as const),
    threads: args.count("threads"),
  };
}

/** The device of a command that trains. */
export function readTrainingDevice(args: Arguments): DeviceChoice {
  const choice = readDeviceChoice(args);
  const gradientPrecision = args.choice("gradient-precision", ["float32", "half"] as const);
  if (gradientPrecision === "half" && choice.precision !== "mixed") {
    throw new UsageError("--gradient-precision half is for --precision mixed");
  }
  return { ...choice, gradientPrecision };
}

const modeOption = {
  mode: {
    value: "MODE",
    description: "eval (default) or train: BatchNorm by the running or by the batch's statistics",
  },
} satisfies Record<string, CommandOption>;

function readMode(args: Arguments): "eval" | "train" {
  return args.choice("mode", ["eval", "train"] as const) ?? "eval";
}

/** The options of commands that apply a checkpoint to points; each adds those of its input and output. */
export const modelUsage =
  "[--features NAME,...] [--backend auto|webgpu|cpu] [--mode eval|train] [--radius R | --knn K] [--threads N]";

/** The model of commands that take a transformer. */
export const modelOption = {
  value: "FILE_OR_RUN",
  description: "a checkpoint (.safetensors) with its config in the metadata, or a run's folder",
} as const;

export const modelOptions = {
  model: modelOption,
  ...modeOption,
  ...featuresOption,
  ...graphOptions,
  ...deviceOptions,
} satisfies Record<string, CommandOption>;

export function readModelChoice(args: Arguments) {
  return {
    modelPath: args.required("model"),
    mode: readMode(args),
    features: args.words("features"),
    graph: readGraphChoice(args),
    device: readDeviceChoice(args),
  };
}

export type ModelChoice = ReturnType<typeof readModelChoice>;
