// Small clouds and their predictions as JSON.

import { roundedNumbers } from "../../formats/rounding.ts";
import type { OutputRows } from "../../jobs/rows.ts";
import { type CloudFile, placed } from "../clouds.ts";
import { HttpError } from "./http-error.ts";

const names = ["positions", "features", "batch_idx", "edge_index"];

/**
 * Reads `{ "positions": [[x, y, z], ...], "features": [[...], ...], "batch_idx": [...], "edge_index": [[sources], [targets]] }`;
 * the last three may be missing. Other names are refused: without `batchIdx` all points would be one cloud, and no one would notice.
 */
export function readJsonCloud(bytes: Uint8Array): CloudFile {
  let body: Record<string, unknown> | null;
  try {
    body = JSON.parse(new TextDecoder().decode(bytes)) as typeof body;
  } catch (cause) {
    throw new HttpError(400, `the body is no JSON: ${(cause as Error).message}`);
  }
  if (typeof body !== "object" || body === null) throw new HttpError(400, "the body is no JSON object");
  const positions = matrix(body.positions, "positions");
  const other = Object.keys(body).find((name) => !names.includes(name));
  if (other !== undefined)
    throw new HttpError(400, `the body has ${JSON.stringify(other.slice(0, 100))}, expected only ${names.join(", ")}`);
  const points = positions.rows;
  const features = body.features === undefined ? undefined : matrix(body.features, "features");
  if (features && features.rows !== points) {
    throw new HttpError(400, `features has ${features.rows} rows, positions ${points}`);
  }
  const edges = body.edge_index === undefined ? undefined : matrix(body.edge_index, "edge_index");
  if (edges && (edges.rows !== 2 || !edges.data.every(isInt32))) {
    throw new HttpError(400, "edge_index: expected a row of sources and a row of targets, whole numbers");
  }
  return {
    path: "the request",
    bytes,
    ...placed(roundedNumbers(positions.data, positions.columns), positions.columns),
    dimensionality: positions.columns,
    points,
    batchIdx: batchOf(body.batch_idx, points),
    edgeIndex: edges && Int32Array.from(edges.data),
    features: features && { data: Float32Array.from(features.data), channels: features.columns },
  };
}

/** Returns `{ "out": [[...], ...] }`, with `out_batch_idx` if the rows are not the input's points. */
export function formatJsonRows({ data, width, batchIdx }: OutputRows, decode: boolean): Uint8Array {
  const out = Array.from(batchIdx, (_, row) => Array.from(data.subarray(row * width, (row + 1) * width)));
  const rows = decode ? { out } : { out, out_batch_idx: Array.from(batchIdx) };
  return new TextEncoder().encode(`${JSON.stringify(rows)}\n`);
}

function matrix(value: unknown, name: string): { data: Float64Array; rows: number; columns: number } {
  const wrong = () => new HttpError(400, `${name}: expected rows of the same length, as in [[0, 1, 2], [3, 4, 5]]`);
  if (!Array.isArray(value) || value.length === 0 || !Array.isArray(value[0])) throw wrong();
  const columns = value[0].length;
  // All rows are measured before memory is allocated: one long row among many empty ones would claim gigabytes.
  if (!value.every((numbers) => Array.isArray(numbers) && numbers.length === columns)) throw wrong();
  const data = new Float64Array(value.length * columns);
  for (const [row, numbers] of (value as unknown[][]).entries()) {
    for (const [column, number] of numbers.entries()) {
      if (typeof number !== "number") {
        const found = JSON.stringify(number).slice(0, 100);
        throw new HttpError(400, `${name}: row ${row}, column ${column} is ${found}, expected a number`);
      }
      data[row * columns + column] = number;
    }
  }
  return { data, rows: value.length, columns };
}

/** Whether a number can be an index: 2^32 would be stored as 0. */
const isInt32 = (value: unknown) => value === ((value as number) | 0);

function batchOf(value: unknown, points: number): Int32Array {
  if (value === undefined) return new Int32Array(points);
  if (Array.isArray(value) && value.length === points && value.every(isInt32)) return Int32Array.from(value);
  throw new HttpError(400, `batch_idx: expected ${points} whole numbers, the cloud of each point`);
}
