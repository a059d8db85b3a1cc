// A tensor: elements on a device, their shape, and the ownership of their memory.

import { type AbortOptions, checkAbortable, untilAborted } from "../abort.ts";
import { type Indices, isIntegers, toIntegers } from "../arguments/indices.ts";
import { describe, expectKind } from "../arguments/kinds.ts";
import { type Numbers, sizeOf, toNumbers, toShape } from "../arguments/numbers.ts";
import type { Device, PageBuffer, Storage } from "../backends/device.ts";
import { Resource } from "../disposable.ts";
import { DisposedError, InputError } from "../errors.ts";
import { inspect, lineOf } from "../inspect.ts";
import { backward } from "./backward.ts";
import { register } from "./scopes.ts";
import { type History, makeLeaf, recordedHistory, releaseHistory } from "./tape.ts";

export { collect, outsideScopes, scope } from "./scopes.ts";

/** The type of a tensor's elements. */
export type TensorType = "f32" | "i32" | "u32";
/** A tensor's elements, row by row. */
export type TensorData = Float32Array | Int32Array | Uint32Array;
/** The data a tensor can be created from: float64 and lists of numbers become float32, 64-bit integers int32. */
export type TensorSource = TensorData | Numbers | BigInt64Array | BigUint64Array;

/** Options of copies to and from a GPUBuffer. */
export interface BufferCopyOptions extends AbortOptions {
  /** The byte of the buffer at which the elements begin, a multiple of 4. Default 0. */
  offset?: number;
}

const arrayTypes = { f32: Float32Array, i32: Int32Array, u32: Uint32Array } as const;

/** Device memory and the number of tensors that share it. */
interface SharedStorage {
  storage: Storage;
  holders: number;
  /** How often its elements were replaced by others: what was kept for a backward pass may not have changed since. */
  version: number;
}

/** What belongs to tensors that nobody disposed and nothing refers to any more. */
const forgotten = new FinalizationRegistry<{ device: Device; memory: SharedStorage }>(({ device, memory }) => {
  if (--memory.holders === 0) device.forget(memory.storage);
});

/**
 * An array of elements on a device, row-major. Owns its memory until `dispose()`. That of a tensor which was forgotten is used again
 * some time after the garbage collector has found it, if memory is needed; until then it counts as in use.
 */
export class Tensor extends Resource {
  readonly device: Device;
  readonly shape: readonly number[];
  readonly type: TensorType;
  /** @internal Its place on the tape; undefined if no gradient passes through it. */
  history: History | undefined;
  readonly #memory: SharedStorage;
  /** The cloud of each row: of a model's output, and of what operators compute of it row by row. */
  batchIdx?: Int32Array;
  #disposed = false;
  /** Whether the garbage collector looks after it. */
  #guarded = false;

  /**
   * Creates an uninitialised tensor; `Tensor.from` creates one with given numbers.
   * @throws InputError for what is not a device, a shape or an element type; OutOfMemoryError
   */
  constructor(device: Device, shape: readonly number[], type: TensorType = "f32", memory?: SharedStorage) {
    super();
    if (!memory) checkParts(device, shape, type);
    this.device = device;
    // A copy: who gave it may change his list.
    this.shape = [...shape];
    this.type = type;
    this.#memory = memory ?? {
      storage: device.allocate(Math.max(sizeOf(shape), 1) * 4, shape),
      holders: 0,
      version: 0,
    };
    this.#memory.holders++;
    register(this);
  }

  /**
   * Copies numbers to the device.
   * @param shape by default one axis, or the shape of nested lists
   * @throws InputError if their count does not match the shape, or they are not an array of numbers.
   */
  static from(device: Device, source: TensorSource, shape?: readonly number[]): Tensor {
    expectDevice(device);
    const { data, shape: found } = toTensorData(source);
    return Tensor.#of(device, data, shape ?? found);
  }

  static #of(device: Device, data: TensorData, shape: readonly number[]): Tensor {
    checkParts(device, shape, typeOf(data));
    if (data.length !== sizeOf(shape)) {
      throw new InputError(`${data.length} numbers do not fill the shape [${shape}], which has ${sizeOf(shape)}`, {
        expected: sizeOf(shape),
        found: data.length,
      });
    }
    const tensor = new Tensor(device, shape, typeOf(data));
    if (data.length > 0) device.write(tensor.storage, data);
    return tensor;
  }

  /** The device memory behind it. @throws DisposedError after `dispose()`. */
  get storage(): Storage {
    if (this.#disposed)
      throw new DisposedError(
        `a tensor of shape [${this.shape}] was used after it was disposed: dispose it later, or use a view()`,
      );
    return this.#memory.storage;
  }

  /** Returns another tensor on the same memory, which is freed with the last of them, at the same place on the tape. */
  view(): Tensor {
    const view = this.detach();
    if (this.history) this.history.holders++;
    view.history = this.history;
    return view;
  }

  /**
   * Returns the same elements off the tape, so that no gradient passes through; on the same memory, with another shape
   * of the same size if given.
   * @throws InputError for a shape of another size; DisposedError
   */
  detach(shape: readonly number[] = this.shape): Tensor {
    void this.storage;
    if (sizeOf(toShape("shape", shape)) !== this.size) {
      throw new InputError(`a tensor of shape [${this.shape}] cannot take the shape [${shape}]`, {
        expected: [...shape],
        found: [...this.shape],
      });
    }
    return withClouds(new Tensor(this.device, shape, this.type, this.#memory), this);
  }

  /** Returns an uninitialised tensor like this one. */
  empty(shape: readonly number[] = this.shape): Tensor {
    return new Tensor(this.device, shape, this.type);
  }

  /**
   * Returns a tensor like this one on memory that belongs to someone else, who counts as a holder: it is not freed with
   * the tensor.
   */
  emptyOn(storage: Storage): Tensor {
    return new Tensor(this.device, this.shape, this.type, { storage, holders: 1, version: 0 });
  }

  /**
   * From now on `backward` writes this tensor's gradient to `grad`. What the tensor was computed from gets none through it any more.
   * @param wanted false freezes the tensor, as PyTorch's `requires_grad_(False)`: it has no gradient, and optimisers leave it as it
   *   is, until `requireGrad()`
   * @throws InputError for a tensor of indices, and for one to be frozen that was computed from others; DisposedError
   */
  requireGrad(wanted = true): this {
    void this.storage;
    if (this.type !== "f32") throw new InputError(`indices (${this.type}) have no gradient`, { type: this.type });
    const leaf = this.history?.leaf;
    if (leaf) {
      // A gradient of before is not one of after.
      if (!wanted || leaf.frozen) leaf.held = false;
      leaf.frozen = !wanted;
    } else if (wanted) {
      if (this.history) releaseHistory(this.history);
      makeLeaf(this);
    } else if (this.history) {
      throw new InputError("what was computed from other tensors cannot be frozen: detach() takes it off the tape", {
        shape: [...this.shape],
      });
    }
    return this;
  }

  /** Whether gradients pass through it: it wants one, or was computed from what does. */
  get requiresGrad(): boolean {
    return recordedHistory(this) !== undefined;
  }

  /** The gradient of a parameter after `backward`; undefined if none has arrived. */
  get grad(): Tensor | undefined {
    const leaf = recordedHistory(this)?.leaf;
    return leaf?.held ? leaf.gradient : undefined;
  }

  /**
   * Computes the gradients of the parameters that this tensor was computed from and adds them to those already there.
   * @param gradient the gradient of this tensor; optional for a scalar
   * @throws InputError if the tensor is not on the tape, its backward pass has run before, or a tensor that this pass needs was
   *   changed since: by a step of an optimiser, `set`, `restore`, or the running statistics of a pass in training mode
   */
  async backward(gradient?: Tensor): Promise<void> {
    const fits = gradient === undefined || gradient instanceof Tensor;
    expectKind("the gradient", gradient, "a Tensor: Tensor.from(device, numbers, shape)", fits);
    backward(this, gradient);
  }

  /** Discards the gradient that has arrived; its memory is kept for the next one. */
  zeroGrad(): void {
    const leaf = this.history?.leaf;
    if (leaf) leaf.held = false;
  }

  /**
   * Moves the elements to other memory of the device, for all tensors that share it. From then on that memory belongs
   * to the tensor; a slice belongs to the owner of the whole, who must keep it until the tensor is disposed or moved
   * again.
   */
  moveTo(storage: Storage): void {
    const old = this.storage;
    this.device.copy(old, storage, this.size * 4);
    this.#memory.storage = storage;
    this.device.release(old);
  }

  /** @internal How often other elements took the place of those in its memory. */
  get version(): number {
    return this.#memory.version;
  }

  /** @internal Must be called by what gives the elements other values, for all tensors that share their memory. */
  changed(): void {
    this.#memory.version++;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Copies new numbers into the tensor. @throws InputError if their count or type is not the tensor's. */
  set(source: TensorSource): void {
    const { data } = toTensorData(source);
    if (data.length !== this.size || typeOf(data) !== this.type) {
      throw new InputError(
        `a tensor of shape [${this.shape}] (${this.type}) cannot take ${data.length} numbers of type ${typeOf(data)}`,
      );
    }
    this.device.write(this.storage, data);
    this.changed();
  }

  /**
   * The elements, once the device has computed them: a Float32Array for "f32", an Int32Array or Uint32Array for
   * indices.
   * @throws DeviceLostError; the signal's reason, once it is aborted, while the device continues with the submitted work
   */
  async data(options: AbortOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    checkAbortable("data", options, {});
    const bytes = await untilAborted(this.device.read(this.storage, this.size * 4), options.signal);
    return new arrayTypes[this.type](bytes) as Float32Array<ArrayBuffer>;
  }

  /**
   * The number that a tensor of one element holds, such as a loss, once the device has computed it.
   * @throws InputError for more elements, or none; DeviceLostError; the signal's reason, as `data`
   */
  async item(options: AbortOptions = {}): Promise<number> {
    if (this.size === 1) return (await this.data(options))[0] as number;
    throw new InputError(`a tensor of shape [${this.shape}] is not one number: read its data()`, {
      found: [...this.shape],
    });
  }

  /**
   * Copies the elements into a buffer of the page's on the GPU, such as one that it draws from. The device must be one requested with
   * the page's `gpuDevice`.
   * @param buffer of that GPUDevice, not mapped, with the usage COPY_DST
   * @returns resolves once the copy is submitted: all work that the page submits from then on sees it
   * @throws InputError for another device, a buffer that is too small or cannot be used, an offset that is no multiple of 4;
   *   DisposedError; DeviceLostError; the signal's reason
   */
  copyTo(buffer: PageBuffer, options: BufferCopyOptions = {}): Promise<void> {
    return this.#exchange("to", buffer, options);
  }

  /**
   * Takes the elements from a buffer of the page's on the GPU, which must not change before the promise is resolved; as `copyTo`.
   * @param buffer with the usage COPY_SRC
   */
  copyFrom(buffer: PageBuffer, options: BufferCopyOptions = {}): Promise<void> {
    return this.#exchange("from", buffer, options);
  }

  async #exchange(way: "to" | "from", buffer: PageBuffer, options: BufferCopyOptions): Promise<void> {
    checkAbortable(way === "to" ? "copyTo" : "copyFrom", options, { offset: "number" });
    const { offset = 0, signal } = options;
    const { device, storage } = this;
    if (!device.exchange)
      throw new InputError(
        "this tensor's device does not share a GPUDevice with the page: requestDevice({ gpuDevice }) gives one that does",
      );
    const copying = device.exchange(storage, this.size * 4, way, buffer, offset);
    if (way === "from") this.changed();
    await untilAborted(copying, signal);
  }

  /** Frees the device memory. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#guarded) forgotten.unregister(this);
    if (this.history) releaseHistory(this.history);
    if (--this.#memory.holders === 0) this.device.release(this.#memory.storage);
  }

  /** @internal */
  escaped(): void {
    if (this.#guarded || this.#disposed) return;
    this.#guarded = true;
    forgotten.register(this, { device: this.device, memory: this.#memory }, this);
  }

  [inspect](): string {
    return lineOf(this, `[${this.shape.join(", ")}], ${this.type}, on ${this.device.info.description}`);
  }
}

/** Returns a result whose rows are computed from those of some operands, with the clouds that one of these knows. */
export function withClouds(result: Tensor, ...operands: readonly (Tensor | undefined)[]): Tensor {
  const [rows] = result.shape;
  for (const operand of operands) if (operand?.batchIdx?.length === rows) result.batchIdx ??= operand?.batchIdx;
  return result;
}

function expectDevice(device: Device): void {
  if (typeof device?.allocate === "function") return;
  throw new InputError("a tensor lives on a device: Tensor.from(await requestDevice(), numbers)", {});
}

function checkParts(device: Device, shape: readonly number[], type: TensorType): void {
  expectDevice(device);
  toShape("shape", shape);
  if (Object.hasOwn(arrayTypes, type)) return;
  const expected = Object.keys(arrayTypes);
  throw new InputError(`${describe(type)} is not the type of a tensor's elements: they are ${expected.join(", ")}`, {
    expected,
  });
}

function toTensorData(source: TensorSource): { data: TensorData; shape: readonly number[] } {
  if (!isIntegers(source)) return toNumbers("data", source as Numbers);
  const data = toIntegers("data", source as Indices);
  return { data, shape: [data.length] };
}

function typeOf(data: TensorData): TensorType {
  if (data instanceof Float32Array) return "f32";
  return data instanceof Int32Array ? "i32" : "u32";
}
