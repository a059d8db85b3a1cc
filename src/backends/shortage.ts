// The error for a pass that does not fit into a device's memory: what it needs, what is free, and how large a cloud would fit.

import { OutOfMemoryError } from "../errors.ts";
import type { NotedTensor } from "./dry-run.ts";

/** A pass is considered to fit if it needs at most this share of the free memory: memory is allocated in few sizes, so some is unused. */
export const SAFE_SHARE = 0.85;

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * @param error the device's own, which tells what it had no memory for
 * @param pass its name and number of points: "a pass over 100 points"
 * @param bytes that the pass needs, that the device has, and that are free
 * @param fitting the number of points that would fit
 */
export function shortage(
  error: OutOfMemoryError,
  pass: string,
  { needed, limit, free }: { needed: number; limit: number; free: number },
  fitting: number,
  tensors: readonly NotedTensor[],
): OutOfMemoryError {
  const largest = tensors.map(({ shape }) => `[${shape.join(", ")}]`);
  const message = [
    `${pass} needs ${megabytes(needed)}, but of ${megabytes(limit)} only ${megabytes(Math.max(free, 0))} are free`,
    `its largest tensors are ${tensors.map(({ bytes }, i) => `${largest[i]} (${megabytes(bytes)})`).join(", ")}`,
    `${fitting > 0 ? `about ${fitting} points` : "not even a small cloud"} would fit: use smaller clouds, or a device with more memory`,
  ].join("; ");
  return new OutOfMemoryError(message, { ...error.details, needed, limit, free, fitting, largest }, { cause: error });
}
