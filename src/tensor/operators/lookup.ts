// Rows of a table by index.

import { type Indices, toIndices } from "../../arguments/indices.ts";
import { InputError } from "../../errors.ts";
import { expectNumbers, matrixShape } from "../shapes.ts";
import { record, recording } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { sumGroups, uploadGroups } from "./groups.ts";
import { byValue } from "./rows.ts";

/**
 * out[i] = table[indices[i]]: table [entries, d], numbers [n] on the host -> [n, d]. The table may be any matrix, as x in torch's
 * x[index]; `embeddingLookup(pooled, output.batchIdx)` gives each point the row of its cloud. The table's gradient is summed in the
 * order of the indices.
 * @throws InputError naming the first index that is not in the table.
 */
export function embeddingLookup(table: Tensor, numbers: Indices): Tensor {
  const indices = toIndices("indices", numbers);
  expectNumbers("table", table);
  const { device } = table;
  const [entries, width] = matrixShape("table", table);
  const rows = indices.length;
  for (let row = 0; row < rows; row++) {
    const entry = indices[row];
    if (entry < 0 || entry >= entries) {
      throw new InputError(`index ${row} is ${entry}, but the table has the rows 0 to ${entries - 1}`, { row, entry });
    }
  }
  return scope(() => {
    const out = new Tensor(device, [rows, width]);
    const host = Uint32Array.from(indices);
    const index = Tensor.from(device, host);
    device.operators.gatherRows({
      source: table.storage,
      index: index.storage,
      out: out.storage,
      sources: entries,
      rows,
      width,
    });
    index.dispose();
    if (!recording(table)) return out;
    const groups = uploadGroups(device, byValue(host, entries));
    record(out, [table], groups, (gradient, gradients, kept) =>
      sumGroups({ device, storage: gradient.storage, rows, width }, kept, gradients.into(table)),
    );
    for (const tensor of Object.values(groups)) tensor?.dispose();
    return out;
  });
}
