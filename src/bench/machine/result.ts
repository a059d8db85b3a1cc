// The file that measure.ts writes: all figures of one machine.

import type { PyTorchBench } from "../peers/pytorch/run.mjs";
import type { BenchResult } from "../report/result.ts";

export interface MachineResult {
  format: "erwin-machine-1";
  /** Start of the run, in ISO 8601. */
  date: string;
  machine: {
    processor: string;
    cores: number;
    /** Memory in bytes. */
    memory: number;
    system: string;
    /** GPU and driver, as nvidia-smi names them. */
    nvidia?: string;
  };
  /** Clouds in a batch. */
  clouds: number;
  /** Points of each cloud. */
  points: number[];
  /** Channels of the model's finest level. */
  channels: number;
  /** Time limit of the whole run. */
  seconds: number;
  /** The steps that were started, in their order. */
  steps: MachineStep[];
  /** A result for each benchmark, precision, and WebGPU (the host's own, or Dawn); only the middle size has a profile. */
  erwin: BenchResult[];
  /** A result for each step of PyTorch; differences are relative to erwin's output and loss. */
  pytorch: PyTorchBench[];
}

export interface MachineStep {
  name: string;
  seconds: number;
  /** Why figures are missing. */
  problem?: string;
}
