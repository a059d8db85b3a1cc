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

/** How many dispatches one page of parameters serves. */
const PAGE_SLOTS = 256;
/** Bind groups are dropped all at once beyond this: a program that feeds ever new shapes must not collect them for ever. */
const MOST_BIND_GROUPS = 20_000;

export class Recorder {
  /** Counts submissions; a buffer whose lastRecording equals it is used by work not yet submitted. */
  recording = 0;
  dispatches = 0;
  /** Set while kernels are timed. */
  timestamps: Timestamps | undefined;

  readonly #slot: number;
  readonly #pages: { buffer: GPUBuffer; id: number; data: DataView }[] = [];
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  #slotsUsed = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;

  constructor(readonly device: GPUDevice) {
    this.#slot = Math.max(256, device.limits.minUniformBufferOffsetAlignment);
  }

  /** Records `groups` workgroups of a compiled kernel, more than 65,535 as a rectangle of them. */
  dispatch(pipeline: Pipeline, bound: Record<string, Bound>, parameters: Record<string, number>, groups: number): void {
    if (groups === 0) return;
    const page = Math.floor(this.#slotsUsed / PAGE_SLOTS);
    const offset = (this.#slotsUsed % PAGE_SLOTS) * this.#slot;
    this.#slotsUsed++;
    const { data, id } = this.#page(page);
    pipeline.source.parameters.forEach(({ name, type }, i) => {
      const value = parameters[name];
      if (value === undefined) throw new ErwinError(`kernel ${pipeline.name} needs the parameter ${name}`);
      if (type === "u32") data.setUint32(offset + 4 * i, value, true);
      else data.setFloat32(offset + 4 * i, value, true);
    });

    const windows = pipeline.source.bindings.map(({ name, binding }) => {
      const given = bound[name];
      if (!given) throw new ErwinError(`kernel ${pipeline.name} needs the array ${name}`);
      const window = windowOf(given);
      window.storage.whole.lastRecording = this.recording;
      return { ...window, offset: window.storage.offset + window.offset, binding };
    });
    let key = `${pipeline.key}#${id}`;
    for (const { storage, offset, bytes, binding } of windows)
      key += `|${binding}:${storage.whole.id}+${offset}:${bytes}`;
    let group = this.#bindGroups.get(key);
    if (!group) {
      if (this.#bindGroups.size >= MOST_BIND_GROUPS) this.#bindGroups.clear();
      group = this.device.createBindGroup({
        label: pipeline.name,
        layout: pipeline.layout,
        entries: [
          { binding: 0, resource: { buffer: this.#pages[page]!.buffer, size: this.#slot } },
          ...windows.map(({ storage, offset, bytes, binding }) => ({
            binding,
            resource: { buffer: storage.buffer, offset, size: bytes },
          })),
        ],
      });
      this.#bindGroups.set(key, group);
    }

    const most = this.device.limits.maxComputeWorkgroupsPerDimension;
    const rows = Math.ceil(groups / most);
    this.#pass = this.#computePass(pipeline.name);
    this.#pass.setPipeline(pipeline.pipeline!);
    this.#pass.setBindGroup(0, group, [offset]);
    this.#pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    this.dispatches++;
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
    const pages = Math.ceil(this.#slotsUsed / PAGE_SLOTS);
    for (let i = 0; i < pages; i++) {
      const slots = Math.min(PAGE_SLOTS, this.#slotsUsed - i * PAGE_SLOTS);
      this.device.queue.writeBuffer(
        this.#pages[i]!.buffer,
        0,
        this.#pages[i]!.data.buffer as ArrayBuffer,
        0,
        slots * this.#slot,
      );
    }
    this.device.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#pass = undefined;
    this.#slotsUsed = 0;
    this.recording++;
  }

  /** To be called before buffers are destroyed. */
  forgetBindGroups(): void {
    this.#bindGroups.clear();
  }

  dispose(): void {
    for (const { buffer } of this.#pages) buffer.destroy();
    this.#pages.length = 0;
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

  #page(index: number) {
    let page = this.#pages[index];
    if (!page) {
      const size = PAGE_SLOTS * this.#slot;
      const buffer = this.device.createBuffer({ size, usage: bufferUsage.UNIFORM | bufferUsage.COPY_DST });
      page = { buffer, id: index, data: new DataView(new ArrayBuffer(size)) };
      this.#pages[index] = page;
    }
    return page;
  }
}
