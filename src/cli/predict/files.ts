// Predicts many files: while the device works on a batch, the next one is read and the previous one is written.

import { DeviceLostError } from "../../errors.ts";
import type { ErwinTransformer, PreparedInput } from "../../index.ts";
import { joinPrepared } from "../../train/batches.ts";
import { endsWriting, writeWhole } from "../files.ts";
import { encodePrediction, type OutputRows, type PredictionFormat, readOutput, splitOutput } from "../output.ts";
import { packBatches } from "./batches.ts";
import type { PredictionPaths } from "./inputs.ts";

export interface PredictFilesOptions {
  model: ErwinTransformer;
  files: readonly PredictionPaths[];
  /** The format of the predictions. */
  format: PredictionFormat;
  /** Reads a file and builds its tree and graph, on the host alone. */
  prepare(path: string): Promise<PreparedInput>;
  /** Max points of a batch; a file with more is a batch of its own. */
  batchPoints: number;
  /** Ends the work after the current batch. */
  signal?: AbortSignal;
  /** Writes a prediction; by default to a file that appears whole or not at all. */
  write?(path: string, bytes: Uint8Array): void;
  /** Called for a file that could not be predicted; the work continues with the others. */
  onFailure(path: string, error: unknown): void;
  /** Called after each batch. */
  onProgress?(done: FilesDone): void;
}

export interface FilesDone {
  predicted: number;
  failed: number;
  /** Points of the predicted files. */
  points: number;
  /** Milliseconds since the start. */
  time: number;
}

interface PreparedFile extends PredictionPaths {
  points: number;
  prepared: PreparedInput;
}

interface Prediction extends PreparedFile {
  rows: OutputRows;
}

/**
 * Predicts all valid files in their order. A file's prediction does not depend on the others of its batch.
 * @throws DeviceLostError; InputError where nothing more can be written, such as to a full disk; every other error is reported as
 *   a failure of its file
 */
export async function predictFiles(options: PredictFilesOptions): Promise<FilesDone> {
  const { model, files, format, prepare, batchPoints, signal, onFailure, onProgress } = options;
  const { write = writeWhole } = options;
  const start = performance.now();
  const done: FilesDone = { predicted: 0, failed: 0, points: 0, time: 0 };
  const fail = (path: string, error: unknown) => {
    done.failed++;
    onFailure(path, error);
  };

  async function* prepareFiles(): AsyncGenerator<PreparedFile> {
    for (const paths of files) {
      if (signal?.aborted) return;
      try {
        const prepared = await prepare(paths.input);
        yield { ...paths, points: prepared.points, prepared };
      } catch (error) {
        fail(paths.input, error);
      }
    }
  }

  async function compute(batch: readonly PreparedFile[]): Promise<Prediction[]> {
    try {
      const rows = await applyModel(model, batch);
      return batch.map((file, i) => ({ ...file, rows: rows[i] }));
    } catch (error) {
      if (error instanceof DeviceLostError) throw error;
      // Memory may have run out: unused allocations are freed, and the files are predicted one by one.
      model.device.trim();
      if (batch.length > 1) {
        const predictions: Prediction[] = [];
        for (const file of batch) predictions.push(...(await compute([file])));
        return predictions;
      }
      fail(batch[0].input, error);
      return [];
    }
  }

  /** Why nothing more can be written, such as a full disk. */
  let full: unknown;

  function writeAll(predictions: readonly Prediction[]): void {
    const { decode, dimensionality } = model.config;
    for (const { input, output, points, prepared, rows } of predictions) {
      try {
        const positions = prepared.nodePositions;
        write(output, encodePrediction(format, rows, { path: input, positions, dimensionality }, decode));
        done.predicted++;
        done.points += points;
      } catch (error) {
        if (endsWriting(error)) {
          full = error;
          return;
        }
        fail(input, error);
      }
    }
    done.time = performance.now() - start;
    onProgress?.({ ...done });
  }

  const batches = packBatches(prepareFiles(), batchPoints);
  try {
    let next = batches.next();
    let computed: Prediction[] = [];
    while (true) {
      const { value: batch } = await next;
      if (!batch || signal?.aborted || full) break;
      // The device has its work before the host goes on with its own.
      const computing = compute(batch);
      next = batches.next();
      writeAll(computed);
      computed = await computing;
    }
    if (!full) writeAll(computed);
  } finally {
    await batches.return(undefined);
  }
  if (full) throw full;
  return done;
}

/** Runs one pass; returns the output of each file. */
async function applyModel(model: ErwinTransformer, batch: readonly PreparedFile[]): Promise<OutputRows[]> {
  const out = await model.forward(joinPrepared(batch.map(({ prepared }) => prepared)));
  try {
    const clouds = batch.map(({ prepared }) => prepared.tree.cloudOffsets.length - 1);
    return splitOutput(await readOutput(out), clouds);
  } finally {
    out.dispose();
  }
}
