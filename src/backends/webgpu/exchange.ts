// Copies between tensors and buffers of a page that shares its GPUDevice.

import { describe } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";
import type { Device, PageBuffer, Storage } from "../device.ts";
import { causeOf } from "../loss.ts";
import { bufferUsage } from "./constants.ts";
import type { WebGPUDevice } from "./device.ts";
import type { BufferStorage } from "./memory.ts";

type Way = Parameters<NonNullable<Device["exchange"]>>[2];

/** @throws InputError for what is not a buffer that can take or give the bytes, or is refused by the GPU */
export async function exchange(
  device: WebGPUDevice,
  storage: Storage,
  bytes: number,
  way: Way,
  theirs: PageBuffer,
  offset: number,
): Promise<void> {
  expectBuffer(bytes, way, theirs, offset);
  device.check();
  device.sums.settle();
  const { gpu, recorder, work } = device;
  const { buffer, offset: at, whole } = storage as BufferStorage;
  if (way === "from") whole.version++;
  let refusal: Promise<GPUError | Error | null> | undefined;
  work.add(() => {
    recorder.submit();
    // In a submission of its own: what is wrong with the page's buffer must not drop other work.
    gpu.pushErrorScope("validation");
    const encoder = gpu.createCommandEncoder();
    if (way === "to") encoder.copyBufferToBuffer(buffer, at, theirs as GPUBuffer, offset, bytes);
    else encoder.copyBufferToBuffer(theirs as GPUBuffer, offset, buffer, at, bytes);
    gpu.queue.submit([encoder.finish()]);
    // It is rejected if the device is lost.
    refusal = gpu.popErrorScope().catch((error: Error) => error);
  });
  await work.done();
  device.check();
  const error = await refusal;
  if (!error) return;
  const refused = new InputError(`the GPU could not copy ${way} the buffer: ${error.message}`, { bytes, offset });
  throw await causeOf(refused, device);
}

function expectBuffer(bytes: number, way: Way, theirs: PageBuffer, offset: number): void {
  const { size, usage } = theirs ?? {};
  if (typeof size !== "number" || typeof usage !== "number")
    throw new InputError(`a tensor can be copied ${way} a GPUBuffer, not ${describe(theirs)}`);
  const needed = way === "to" ? "COPY_DST" : "COPY_SRC";
  if (!(usage & bufferUsage[needed]))
    throw new InputError(`the buffer was made without GPUBufferUsage.${needed}`, { expected: needed });
  if (offset >= 0 && offset % 4 === 0 && offset + bytes <= size) return;
  throw new InputError(
    `offset must be a multiple of 4 at which the buffer of ${size} bytes has room for the tensor's ${bytes}, not ${describe(offset)}`,
    { bytes, offset, size },
  );
}
