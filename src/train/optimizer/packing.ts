// Parameters and their gradients in two allocations of device memory, one parameter after the other: the optimiser updates all of
// them in one dispatch, while the model's operators see each of them as a tensor of its own.

import { expectKind, isMap } from "../../arguments/kinds.ts";
import { sizeOf } from "../../arguments/numbers.ts";
import type { Device, Storage } from "../../backends/device.ts";
import { BLOCK, type BlockRange, layOut } from "../../backends/optimizer.ts";
import { ConfigError, DeviceLostError, InputError } from "../../errors.ts";
import { expectSameDevice, expectTensor } from "../../tensor/shapes.ts";
import { moveGradient } from "../../tensor/tape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { LossScale } from "./loss-scale.ts";
import { OwnMemory } from "./own-memory.ts";

/** @throws InputError if it is not a map of tensors of one device, each of which is there once */
export function expectParameters(parameters: ReadonlyMap<string, Tensor>): void {
  expectKind("parameters", parameters, "a Map of tensors by name, such as model.parameters()", isMap(parameters));
  for (const [name, tensor] of parameters) expectTensor(`the parameter ${name}`, tensor);
  expectSameDevice(Object.fromEntries(parameters));
  const names = new Map<Tensor, string>();
  for (const [name, tensor] of parameters) {
    const first = names.get(tensor);
    if (first !== undefined)
      throw new InputError(`the parameters ${first} and ${name} are one tensor: name it once`, { tensor: name });
    names.set(tensor, name);
  }
}

const packed = new WeakMap<Tensor, PackedParameters>();

/** The loss scale of the optimiser that a parameter belongs to, if both exist. */
export const lossScaleOf = (tensor: Tensor): LossScale | undefined => packed.get(tensor)?.lossScale;

export class PackedParameters {
  readonly device: Device;
  readonly names: readonly string[];
  readonly tensors: readonly Tensor[];
  readonly ranges: readonly BlockRange[];
  readonly blocks: number;
  /** The bytes of anything in the layout of the parameters. */
  readonly bytes: number;
  readonly weights: Storage;
  readonly gradients: Storage;
  /** The scale of the gradients, if there is one. */
  readonly lossScale: LossScale | undefined;

  /**
   * Moves the tensors and their gradients, if any, into the packed memory.
   * @throws ConfigError if there is no tensor, or one already belongs to another optimiser
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, lossScale?: "dynamic" | number) {
    expectParameters(parameters);
    this.names = [...parameters.keys()];
    this.tensors = [...parameters.values()];
    if (this.tensors.length === 0)
      throw new ConfigError("there are no parameters to optimise", { field: "parameters" });
    for (const [name, tensor] of parameters) {
      if (packed.has(tensor)) {
        throw new ConfigError(`the parameter ${name} already belongs to another optimiser: dispose that first`, {
          field: "parameters",
          tensor: name,
        });
      }
    }
    this.device = this.tensors[0].device;
    const { ranges, blocks } = layOut(this.tensors.map(({ size }) => size));
    this.ranges = ranges;
    this.blocks = blocks;
    this.bytes = blocks * BLOCK * 4;
    const memory = new OwnMemory(this.device);
    try {
      this.weights = memory.zeros(this.bytes);
      this.gradients = memory.zeros(this.bytes);
      this.lossScale = lossScale === undefined ? undefined : new LossScale(this.device, lossScale);
    } catch (error) {
      memory.free();
      throw error;
    }
    this.tensors.forEach((tensor, p) => {
      tensor.moveTo(this.slice(this.weights, p));
      moveGradient(tensor, this.slice(this.gradients, p));
      packed.set(tensor, this);
    });
  }

  /** Returns a parameter's part of packed memory. */
  slice(storage: Storage, parameter: number): Storage {
    const first = this.ranges[parameter].firstBlock * BLOCK * 4;
    return storage.slice(first, this.tensors[parameter].size * 4);
  }

  /** Returns the parameter that each block belongs to, [blocks]. */
  owners(): Uint32Array {
    const owners = new Uint32Array(this.blocks);
    this.ranges.forEach(({ firstBlock, blocks }, p) => owners.fill(p, firstBlock, firstBlock + blocks));
    return owners;
  }

  /** Reads packed memory back to the host, parameter by parameter. */
  async read(storage: Storage): Promise<Float32Array[]> {
    const all = new Float32Array(await this.device.read(storage, this.bytes));
    return this.ranges.map(({ firstBlock }, p) => {
      const first = firstBlock * BLOCK;
      return all.subarray(first, first + sizeOf(this.tensors[p].shape));
    });
  }

  /** Moves parameters and gradients into separate memory again, and frees the packed memory. */
  dispose(): void {
    for (const tensor of this.tensors) packed.delete(tensor);
    const left = this.tensors.filter((tensor) => !tensor.disposed);
    // A gradient that has not arrived needs no memory, so that there is room for the weights.
    unlessLost(() => left.forEach((tensor) => moveGradient(tensor)));
    this.device.release(this.gradients);
    unlessLost(() => left.forEach((tensor) => tensor.moveTo(this.device.allocate(tensor.size * 4))));
    this.device.release(this.weights);
    this.lossScale?.dispose();
  }
}

/** Moves values, unless they are lost with their device wherever they were. */
function unlessLost(move: () => void): void {
  try {
    move();
  } catch (error) {
    if (!(error instanceof DeviceLostError)) throw error;
  }
}
