// Records every dispatch that passes of the benchmarks' model make on a GPU with the usual limits and without matrix units, by the
// engine's own dry run of a pass, and the text of every kernel.

import type { Device, DeviceInfo, Precision, Tile } from "../../backends/device.ts";
import { webgpuDryRun } from "../../backends/webgpu/dry-run.ts";
import { type Constants, type KernelBinding, kernelSource } from "../../backends/webgpu/kernels.ts";
import { DEFAULT_TUNING } from "../../backends/webgpu/products.ts";
import { windowOf } from "../../backends/webgpu/recorder.ts";
import { blankInput } from "../../erwin/memory.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { readmeModel } from "../../erwin/presets.ts";
import { noGrad } from "../../tensor/tape.ts";
import { caseSize, publishedTable } from "../cases/case.ts";

const CHANNELS = 32;
/** Points of each cloud: half of the sizes of the published table. */
const POINTS = [1024, 4096, 16384, 32768];

/** A kernel file with its constants. */
export interface Kernel {
  name: string;
  constants: Constants;
  code: string;
  bindings: KernelBinding[];
}

export interface Dispatch {
  /** Index of the dispatch's kernel. */
  kernel: number;
  /** Bytes of each bound array. */
  bound: Record<string, number>;
  parameters: Record<string, number>;
  /** Workgroups. */
  groups: number;
}

/** One pass over 16 clouds. */
export interface Pass {
  precision: Precision;
  training: boolean;
  /** Points of each cloud. */
  points: number;
  dispatches: Dispatch[];
  copies: number;
  clears: number;
}

export interface Recording {
  kernels: Kernel[];
  passes: Pass[];
}

/** The kernels that recorded passes do not run: those of the optimiser, and the one that measures the peak for the roofline. */
const others: [string, Constants][] = [
  ["adamw", { AVERAGE: 0 }],
  ["gradient_squares", {}],
  ["gradient_norms", {}],
  ["gradient_total", {}],
  ["multiply_add", {}],
];

const bytes = 2 ** 31 - 256;
const gpu = { limits: { maxBufferSize: bytes, minUniformBufferOffsetAlignment: 256 } } as GPUDevice;
const info: Omit<DeviceInfo, "precision"> = {
  description: "recorded",
  vendor: "",
  architecture: "",
  software: false,
  subgroupSize: 32,
  maxBindingBytes: bytes,
  maxBufferBytes: bytes,
  features: [],
};

/** What the recorded device differs in. */
export interface RecordedDevice extends Pick<DeviceInfo, "fewRegisters"> {
  /** The tile of large products, as if tuning had chosen it. */
  tile?: Tile;
}

/** The kernels dispatched so far, each once. */
export class KernelList {
  readonly kernels: Kernel[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(name: string, constants: Constants): number {
    const key = JSON.stringify([name, constants]);
    let index = this.#indices.get(key);
    if (index === undefined) {
      const { code, bindings } = kernelSource(name, constants);
      index = this.kernels.push({ name, constants, code, bindings }) - 1;
      this.#indices.set(key, index);
    }
    return index;
  }
}

export async function recordPass(
  precision: Precision,
  training: boolean,
  points: number,
  list: KernelList,
  { tile = DEFAULT_TUNING.tile, fewRegisters = false }: RecordedDevice = {},
): Promise<Pass> {
  const pass: Pass = { precision, training, points, dispatches: [], copies: 0, clears: 0 };
  const dryRun = webgpuDryRun(
    { gpu, info: { ...info, fewRegisters, precision, productTuning: { ...DEFAULT_TUNING, tile } }, threads: 1 },
    (name, constants, bound, parameters, groups) => {
      const sizes = Object.entries(bound).map(([array, given]) => [array, windowOf(given).bytes]);
      const kernel = list.indexOf(name, constants);
      pass.dispatches.push({ kernel, bound: Object.fromEntries(sizes), parameters, groups });
    },
  );
  const device: Device = Object.assign(dryRun, {
    dryRun: () => device,
    // Before its first kernel, parameters are only moved to where an optimiser has them.
    copy: () => void (pass.dispatches.length > 0 && pass.copies++),
    clear: () => void pass.clears++,
  });
  const model = await ErwinTransformer.create(readmeModel(CHANNELS), { device });
  const batch = caseSize(publishedTable.clouds, points);
  const begin = () => Object.assign(pass, { dispatches: [], copies: 0, clears: 0 });
  if (training) {
    begin();
    model.estimateMemory({ ...batch, training });
    return pass;
  }
  // The second pass: the first one also computes what follows from weights alone, which is kept.
  for (let time = 0; time < 2; time++) {
    begin();
    (await noGrad(() => model.forward(blankInput(model.config, batch)))).dispose();
  }
  return pass;
}

export async function record(device: RecordedDevice = {}): Promise<Recording> {
  const list = new KernelList();
  const passes: Pass[] = [];
  for (const precision of ["float32", "mixed"] as const) {
    for (const training of [false, true]) {
      for (const points of POINTS) passes.push(await recordPass(precision, training, points, list, device));
    }
  }
  for (const [name, constants] of others) list.indexOf(name, constants);
  return { kernels: list.kernels, passes };
}
