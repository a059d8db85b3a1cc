// What measure.ts writes: all figures of one machine.

import type { PyTorchBench } from "../peers/pytorch/run.mjs";
import type { BenchResult } from "../result.ts";

export interface MachineResult {
  format: "erwin-machine-1";
  /** When it was begun, ISO 8601. */
  date: string;
  machine: {
    processor: string;
    cores: number;
    /** Bytes. */
    memory: number;
    system: string;
    /** GPU and driver, as nvidia-smi names them. */
    nvidia?: string;
  };
  /** What was asked for. */
  clouds: number;
  /** Of each cloud. */
  points: number[];
  /** Of the model's finest level. */
  channels: number;
  /** For everything together. */
  seconds: number;
  /** What was begun, in this order. */
  steps: MachineStep[];
  /** One for each benchmark, precision, and WebGPU (the host's own, Dawn); the profile is that of the middle size. */
  erwin: BenchResult[];
  /** One for each step of PyTorch; differences are those to erwin's output and loss. */
  pytorch: PyTorchBench[];
}

export interface MachineStep {
  name: string;
  seconds: number;
  /** Why something is missing. */
  problem?: string;
}
