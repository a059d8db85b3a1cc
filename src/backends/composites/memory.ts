// Memory that a composite takes for its own use, and rows brought into their order.

import type { Primitives, Storage } from "../operators.ts";

/** Runs work with memory of so many float32 elements each, which is given back afterwards. */
export function withMemory<Name extends string>(
  device: Primitives,
  elements: Record<Name, number>,
  work: (storages: Record<Name, Storage>) => void,
): void {
  const names = Object.keys(elements) as Name[];
  const storages = names.map((name) => [name, device.allocate(elements[name] * 4)] as const);
  work(Object.fromEntries(storages) as Record<Name, Storage>);
  for (const [, storage] of storages) device.release(storage);
}

/**
 * Runs work on the rows index[0], index[1], ... of a matrix: with the index where the device's kernels read through one, else
 * with the rows gathered. Without an index, on the rows as they lie.
 */
export function inOrder(
  device: Primitives,
  { source, index, rows, width }: { source: Storage; index: Storage | undefined; rows: number; width: number },
  work: (source: Storage, gather?: Storage) => void,
): void {
  if (!index || device.indirect) {
    work(source, index);
    return;
  }
  withMemory(device, { gathered: rows * width }, ({ gathered }) => {
    device.gatherRows({ source, index, out: gathered, sources: rows, rows, width });
    work(gathered);
  });
}

/** `rows` rows of a matrix from `first` on. */
export const rowsOf = (storage: Storage, width: number, first: number, rows: number): Storage =>
  storage.slice(first * width * 4, rows * width * 4);
