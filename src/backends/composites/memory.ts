// Temporary memory of composites, and rows read through an index.

import type { Primitives, Storage } from "../operators.ts";

/** Runs `work` with storages of these numbers of float32 elements, which are released afterwards. */
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
 * Runs `work` on the rows index[0], index[1], ... of a matrix: with the index if the device's kernels read rows through one, else
 * with a copy of the rows in this order. Without an index, it runs on the matrix itself.
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

/** The rows [first, first + rows) of a matrix. */
export const rowsOf = (storage: Storage, width: number, first: number, rows: number): Storage =>
  storage.slice(first * width * 4, rows * width * 4);
