// Records dispatches into one command buffer until they are submitted, which happens before a submission becomes too long. It
// keeps the bind groups and the uniform buffer of the parameters, folds long dispatches into two dimensions, and divides those that
// would take too long.

import { ErwinError } from "../../errors.ts";
import type { Storage } from "../storage.ts";
import type { Allocations } from "./allocations.ts";
import { bufferUsage } from "./constants.ts";
import type { BufferStorage } from "./memory.ts";
import { Pacer } from "./pacer.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Timestamps } from "./timestamps.ts";
import { workOf } from "./work.ts";

/** The part of a storage that a kernel sees: `bytes` bytes from `offset` on. */
export interface Window {
  storage: BufferStorage;
  offset: number;
  bytes: number;
}

/** What is bound to a kernel: all of a storage of this device, or a window. */
export type Bound = Storage | Window;

export const windowOf = (bound: Bound): Window =>
  "storage" in bound ? bound : { storage: bound as BufferStorage, offset: 0, bytes: Math.ceil(bound.bytes / 4) * 4 };

/**
 * The maximum number of dispatches in one submission, counted by the slots that their parameters fill. A GPU works on them while
 * the next ones are recorded; an adapter that computes on the processor gains nothing, and lavapipe's queue blocks a submission
 * until the previous one is done.
 */
const MAX_SLOTS = { gpu: 256, software: 2048 };
/** Beyond this number all bind groups are dropped, so that a program with ever new shapes does not collect them forever. */
const MAX_BIND_GROUPS = 20_000;

/** The parameter by which a kernel's workgroups begin at another one than the first (gpu/workgroup.wgsl). */
const FIRST_GROUP = "first_group";

/** A bind group and its key: the id of its pipeline, followed by id, offset and bytes of each array. */
interface KeyedGroup {
  key: number[];
  group: GPUBindGroup;
}

export class Recorder {
  /** The number of the next submission. A buffer whose lastUse equals it is used by work that is not yet submitted. */
  recording = 1;
  dispatches = 0;
  /** Set while kernels are timed. */
  timestamps: Timestamps | undefined;
  readonly pacer: Pacer;
  readonly device: GPUDevice;

  // The bytes of a slot, of which the parameters of one dispatch fill one, rarely more; and the parameters of all dispatches on the
  // host and on the device.
  readonly #slot: number;
  readonly #integers: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  #uniform: GPUBuffer | undefined;
  /** By a hash of their keys. */
  readonly #bindGroups = new Map<number, KeyedGroup[]>();
  #bindGroupCount = 0;
  // Reused by every dispatch, to allocate nothing: its key, and its offset in the uniform buffer.
  readonly #key: number[] = [];
  readonly #offset = new Uint32Array(1);
  readonly #maxGroups: number;
  readonly #maxSlots: number;
  #slotsUsed = 0;
  /** The work that is recorded and not submitted. */
  #work = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;

  constructor(
    readonly allocations: Allocations,
    software: boolean,
  ) {
    const device = allocations.gpu;
    this.device = device;
    this.pacer = new Pacer(device.queue);
    this.#maxSlots = software ? MAX_SLOTS.software : MAX_SLOTS.gpu;
    this.#slot = Math.max(256, device.limits.minUniformBufferOffsetAlignment);
    this.#maxGroups = device.limits.maxComputeWorkgroupsPerDimension;
    this.#integers = new Uint32Array((this.#maxSlots * this.#slot) / 4);
    this.#floats = new Float32Array(this.#integers.buffer);
  }

  /**
   * Whether recorded work should wait. While kernels are timed it never does: a profile tells by the order of the calls which
   * kernel belongs to whom.
   */
  get full(): boolean {
    return this.pacer.full && !this.timestamps;
  }

  /**
   * Records the workgroups `first` to `groups` of a compiled kernel, or as many as one submission may hold; more than 65,535
   * become a rectangle.
   * @returns the first workgroup that is left
   */
  dispatch(
    pipeline: Pipeline,
    bound: Record<string, Bound>,
    parameters: Record<string, number>,
    groups: number,
    first = 0,
  ): number {
    if (groups === 0) return 0;
    let bytes = 0;
    for (const name in bound) bytes += bound[name].bytes;
    const { name: kernel, constants } = pipeline;
    const ofGroup = workOf({ kernel, constants, parameters, groups, bytes }) / groups;
    const count = this.#groupsAtOnce(pipeline, ofGroup, groups - first);
    const work = ofGroup * count;
    const slots = this.#slotsOf(pipeline);
    if (this.#slotsUsed + slots > this.#maxSlots || (this.#work > 0 && this.#work + work > this.pacer.most))
      this.submit();
    this.#work += work;
    this.#offset[0] = this.#slotsUsed * this.#slot;
    this.#slotsUsed += slots;
    this.#putParameters(pipeline, parameters, first, this.#offset[0] / 4);
    const group = this.#bindGroup(pipeline, bound);
    const rows = Math.ceil(count / this.#maxGroups);
    this.#pass = this.#computePass(pipeline.name);
    this.#pass.setPipeline(pipeline.pipeline!);
    // The overload that takes an array of offsets takes Deno longer than everything else in this function.
    this.#pass.setBindGroup(0, group, this.#offset, 0, 1);
    this.#pass.dispatchWorkgroups(Math.ceil(count / rows), rows);
    this.dispatches++;
    return first + count;
  }

  /** Returns how many of the workgroups that are left to dispatch next: all, or one of equal parts if they are too much work. */
  #groupsAtOnce({ source }: Pipeline, ofGroup: number, left: number): number {
    const parts = Math.ceil((ofGroup * left) / this.pacer.most);
    // Kernels without the parameter have a few short workgroups.
    if (parts <= 1 || !source.parameters.some(({ name }) => name === FIRST_GROUP)) return left;
    const part = Math.ceil(left / parts);
    // A rectangle must not reach into the next part: where there is one, its rows are full.
    return part > this.#maxGroups ? part - (part % this.#maxGroups) : part;
  }

  /** @param at the index of the dispatch's first field */
  #putParameters(pipeline: Pipeline, parameters: Record<string, number>, firstGroup: number, at: number): void {
    for (const { name, type } of pipeline.source.parameters) {
      const value = name === FIRST_GROUP ? firstGroup : parameters[name];
      if (value === undefined) throw new ErwinError(`kernel ${pipeline.name} needs the parameter ${name}`);
      if (type === "u32") this.#integers[at++] = value;
      else this.#floats[at++] = value;
    }
  }

  /** The slots that the parameters of one dispatch fill. */
  #slotsOf({ source }: Pipeline): number {
    return Math.ceil((4 * source.parameters.length) / this.#slot);
  }

  /** Returns the bind group of these arrays; the one made before, if the same memory is bound to the same kernel again. */
  #bindGroup(pipeline: Pipeline, bound: Record<string, Bound>): GPUBindGroup {
    const key = this.#key;
    const { bindings } = pipeline.source;
    key.length = 0;
    key.push(pipeline.id);
    for (const { name } of bindings) {
      const given = bound[name];
      if (!given) throw new ErwinError(`kernel ${pipeline.name} needs the array ${name}`);
      const { storage, offset, bytes } = windowOf(given);
      storage.whole.lastUse = this.recording;
      key.push(storage.whole.id, storage.offset + offset, bytes);
    }
    let hash = 0;
    for (const number of key) hash = Math.imul(hash ^ number, 0x9e3779b1) ^ (hash >>> 15);
    const found = this.#bindGroups.get(hash)?.find((other) => areEqual(other.key, key));
    return found?.group ?? this.#makeBindGroup(pipeline, bound, hash);
  }

  #makeBindGroup(pipeline: Pipeline, bound: Record<string, Bound>, hash: number): GPUBindGroup {
    const key = [...this.#key];
    const descriptor = {
      label: pipeline.name,
      layout: pipeline.layout,
      entries: [
        { binding: 0, resource: { buffer: this.#uniformBuffer(), size: this.#slotsOf(pipeline) * this.#slot } },
        ...pipeline.source.bindings.map(({ name, binding }, i) => ({
          binding,
          resource: {
            buffer: windowOf(bound[name]).storage.buffer,
            offset: key[3 * i + 2],
            size: key[3 * i + 3],
          },
        })),
      ],
    };
    const group = this.allocations.work(() => this.device.createBindGroup(descriptor));
    if (this.#bindGroupCount++ >= MAX_BIND_GROUPS) this.forgetBindGroups();
    const others = this.#bindGroups.get(hash);
    if (others) others.push({ key, group });
    else this.#bindGroups.set(hash, [{ key, group }]);
    return group;
  }

  /** Records a copy of the first bytes of one storage to another. */
  copy(from: BufferStorage, to: BufferStorage, bytes: number): void {
    from.whole.lastUse = this.recording;
    to.whole.lastUse = this.recording;
    this.#outsidePass().copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
  }

  /** Records that a storage is filled with zeros. */
  clear(storage: BufferStorage, bytes: number): void {
    storage.whole.lastUse = this.recording;
    this.#outsidePass().clearBuffer(storage.buffer, storage.offset, bytes);
  }

  submit(): void {
    if (!this.#encoder) return;
    this.#pass?.end();
    const { queue } = this.device;
    const encoder = this.#encoder;
    this.allocations.work(() => {
      if (this.#uniform && this.#slotsUsed > 0)
        queue.writeBuffer(this.#uniform, 0, this.#integers, 0, (this.#slotsUsed * this.#slot) / 4);
      queue.submit([encoder.finish()]);
    });
    this.pacer.submit(this.#work);
    this.#work = 0;
    this.#encoder = undefined;
    this.#pass = undefined;
    this.#slotsUsed = 0;
    this.recording++;
  }

  /** Must be called before buffers are destroyed. */
  forgetBindGroups(): void {
    this.#bindGroups.clear();
    this.#bindGroupCount = 0;
  }

  dispose(): void {
    this.#uniform?.destroy();
    this.#uniform = undefined;
    this.forgetBindGroups();
  }

  /** Returns the pass of the next kernel: one for all kernels, or one for each while they are timed. */
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
    const size = this.#integers.byteLength;
    const usage = bufferUsage.UNIFORM | bufferUsage.COPY_DST;
    this.#uniform ??= this.allocations.buffer({ size, usage }, "the parameters of kernels");
    return this.#uniform;
  }
}

function areEqual(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}
