// Records dispatches into one command buffer until they are submitted: keeps bind groups, the parameters' uniform buffer,
// and the folding of long dispatches into two dimensions.

import { ErwinError } from "../../errors.ts";
import { bufferUsage } from "./constants.ts";
import type { BufferStorage } from "./memory.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Timestamps } from "./timestamps.ts";

/** A storage array as a kernel sees it: the whole of it, or `bytes` bytes from `offset` on. */
export interface Window {
  storage: BufferStorage;
  offset: number;
  bytes: number;
}

export type Bound = BufferStorage | Window;

export const windowOf = (bound: Bound): Window =>
  "storage" in bound ? bound : { storage: bound, offset: 0, bytes: Math.ceil(bound.bytes / 4) * 4 };

/**
 * So many dispatches are submitted together at most. A GPU works on them while the next ones are recorded; an adapter that
 * computes on the processor gains nothing, and lavapipe's queue makes the caller of a submission wait for the one before.
 */
const MOST_DISPATCHES = { gpu: 256, software: 2048 };
/** Bind groups are dropped all at once beyond this: a program that feeds ever new shapes must not collect them for ever. */
const MOST_BIND_GROUPS = 20_000;

/** A bind group, and what makes it the one that is wanted: its pipeline's id, then id, offset and bytes of each array. */
interface Known {
  numbers: number[];
  group: GPUBindGroup;
}

export class Recorder {
  /** Counts submissions; a buffer whose lastRecording equals it is used by work not yet submitted. */
  recording = 0;
  dispatches = 0;
  /** Set while kernels are timed. */
  timestamps: Timestamps | undefined;

  // Bytes from one dispatch's parameters to the next one's, and all of them on the host and on the device.
  readonly #slot: number;
  readonly #integers: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  #uniform: GPUBuffer | undefined;
  /** By a hash of their numbers. */
  readonly #bindGroups = new Map<number, Known[]>();
  #bindGroupCount = 0;
  // Kept from call to call, since a dispatch is to create nothing: the numbers it looks for, and its offset in the uniform buffer.
  readonly #wanted: number[] = [];
  readonly #offset = new Uint32Array(1);
  readonly #mostGroups: number;
  readonly #mostDispatches: number;
  #slotsUsed = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;

  constructor(
    readonly device: GPUDevice,
    software: boolean,
  ) {
    this.#mostDispatches = software ? MOST_DISPATCHES.software : MOST_DISPATCHES.gpu;
    this.#slot = Math.max(256, device.limits.minUniformBufferOffsetAlignment);
    this.#mostGroups = device.limits.maxComputeWorkgroupsPerDimension;
    this.#integers = new Uint32Array((this.#mostDispatches * this.#slot) / 4);
    this.#floats = new Float32Array(this.#integers.buffer);
  }

  /** Records `groups` workgroups of a compiled kernel, more than 65,535 as a rectangle of them. */
  dispatch(pipeline: Pipeline, bound: Record<string, Bound>, parameters: Record<string, number>, groups: number): void {
    if (groups === 0) return;
    if (this.#slotsUsed === this.#mostDispatches) this.submit();
    this.#offset[0] = this.#slotsUsed++ * this.#slot;
    this.#putParameters(pipeline, parameters, this.#offset[0] / 4);
    const group = this.#bindGroup(pipeline, bound);
    const rows = Math.ceil(groups / this.#mostGroups);
    this.#pass = this.#computePass(pipeline.name);
    this.#pass.setPipeline(pipeline.pipeline!);
    // Not as an array of offsets, which takes Deno longer than all the rest.
    this.#pass.setBindGroup(0, group, this.#offset, 0, 1);
    this.#pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    this.dispatches++;
  }

  #putParameters(pipeline: Pipeline, parameters: Record<string, number>, first: number): void {
    let at = first;
    for (const { name, type } of pipeline.source.parameters) {
      const value = parameters[name];
      if (value === undefined) throw new ErwinError(`kernel ${pipeline.name} needs the parameter ${name}`);
      if (type === "u32") this.#integers[at++] = value;
      else this.#floats[at++] = value;
    }
  }

  /** The bind group of these arrays: one made before, wherever the same memory is used for the same again. */
  #bindGroup(pipeline: Pipeline, bound: Record<string, Bound>): GPUBindGroup {
    const wanted = this.#wanted;
    const { bindings } = pipeline.source;
    wanted.length = 0;
    wanted.push(pipeline.id);
    for (const { name } of bindings) {
      const given = bound[name];
      if (!given) throw new ErwinError(`kernel ${pipeline.name} needs the array ${name}`);
      const { storage, offset, bytes } = windowOf(given);
      storage.whole.lastRecording = this.recording;
      wanted.push(storage.whole.id, storage.offset + offset, bytes);
    }
    let hash = 0;
    for (const number of wanted) hash = Math.imul(hash ^ number, 0x9e3779b1) ^ (hash >>> 15);
    const known = this.#bindGroups.get(hash)?.find(({ numbers }) => sameNumbers(numbers, wanted));
    return known?.group ?? this.#makeBindGroup(pipeline, bound, hash);
  }

  #makeBindGroup(pipeline: Pipeline, bound: Record<string, Bound>, hash: number): GPUBindGroup {
    const numbers = [...this.#wanted];
    const group = this.device.createBindGroup({
      label: pipeline.name,
      layout: pipeline.layout,
      entries: [
        { binding: 0, resource: { buffer: this.#uniformBuffer(), size: this.#slot } },
        ...pipeline.source.bindings.map(({ name, binding }, i) => ({
          binding,
          resource: {
            buffer: windowOf(bound[name]!).storage.buffer,
            offset: numbers[3 * i + 2]!,
            size: numbers[3 * i + 3]!,
          },
        })),
      ],
    });
    if (this.#bindGroupCount++ >= MOST_BIND_GROUPS) this.forgetBindGroups();
    const alike = this.#bindGroups.get(hash);
    if (alike) alike.push({ numbers, group });
    else this.#bindGroups.set(hash, [{ numbers, group }]);
    return group;
  }

  /** Records a copy of the first bytes of one piece of memory to another. */
  copy(from: BufferStorage, to: BufferStorage, bytes: number): void {
    from.whole.lastRecording = this.recording;
    to.whole.lastRecording = this.recording;
    this.#outsidePass().copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
  }

  /** Records the filling with zeros. */
  clear(storage: BufferStorage, bytes: number): void {
    storage.whole.lastRecording = this.recording;
    this.#outsidePass().clearBuffer(storage.buffer, storage.offset, bytes);
  }

  submit(): void {
    if (!this.#encoder) return;
    this.#pass?.end();
    const { queue } = this.device;
    if (this.#uniform && this.#slotsUsed > 0)
      queue.writeBuffer(this.#uniform, 0, this.#integers, 0, (this.#slotsUsed * this.#slot) / 4);
    queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#pass = undefined;
    this.#slotsUsed = 0;
    this.recording++;
  }

  /** To be called before buffers are destroyed. */
  forgetBindGroups(): void {
    this.#bindGroups.clear();
    this.#bindGroupCount = 0;
  }

  dispose(): void {
    this.#uniform?.destroy();
    this.#uniform = undefined;
    this.forgetBindGroups();
  }

  /** The pass a kernel is recorded in: all have one, but for those that are timed. */
  #computePass(kernel: string): GPUComputePassEncoder {
    if (this.timestamps) return this.#outsidePass().beginComputePass(this.timestamps.around(kernel));
    if (this.#pass) return this.#pass;
    return this.#outsidePass().beginComputePass();
  }

  #outsidePass(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = undefined;
    this.#encoder ??= this.device.createCommandEncoder();
    return this.#encoder;
  }

  #uniformBuffer(): GPUBuffer {
    this.#uniform ??= this.device.createBuffer({
      size: this.#integers.byteLength,
      usage: bufferUsage.UNIFORM | bufferUsage.COPY_DST,
    });
    return this.#uniform;
  }
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}
