// Predicts the inputs of jobs: while the device works on a batch, the next one is read and the previous one is written.

import { expectWhole } from "../arguments/options.ts";
import type { ErwinTransformer, PreparedInput } from "../index.ts";
import { packBatches } from "./batches.ts";
import { inParallel } from "./parallel.ts";
import { applyModel, type OutputRows } from "./rows.ts";
import type { Claim } from "./shared-work.ts";

/** The model, the steps before and after it, and the size of batches. */
export interface PredictOptions {
  model: ErwinTransformer;
  /** Reads an input and builds its tree and graph, on the host alone. */
  prepare(claim: Claim): Promise<PreparedInput>;
  /** Returns the bytes of an output. */
  encode(rows: OutputRows, prepared: PreparedInput, claim: Claim): Uint8Array;
  /** The max points of a batch; an input with more is a batch of its own. */
  batchPoints: number;
  /** The number of outputs that are written at a time; default 1. */
  parallel?: number;
  /** Ends the work after the current batch. */
  signal?: AbortSignal;
  /** Called after each batch with the number of points that were predicted in it. */
  onBatch?: (points: number) => void;
}

interface Prepared {
  claim: Claim;
  points: number;
  prepared: PreparedInput;
}

interface Prediction extends Prepared {
  rows: OutputRows;
}

/**
 * Predicts all valid inputs in their order. A prediction does not depend on the other inputs of its batch.
 * @throws DeviceLostError; ConfigError naming an invalid option; every other error is reported as a failure of its job
 */
export async function predictClaims(claims: AsyncIterable<Claim>, options: PredictOptions): Promise<void> {
  const { model, prepare, encode, batchPoints, parallel = 1, signal, onBatch } = options;
  expectWhole("batchPoints", batchPoints, 1);
  expectWhole("parallel", parallel, 1);

  async function* prepareInputs(): AsyncGenerator<Prepared> {
    for await (const claim of claims) {
      try {
        const prepared = await prepare(claim);
        yield { claim, points: prepared.points, prepared };
      } catch (error) {
        await claim.fail(error);
      }
    }
  }

  async function compute(batch: readonly Prepared[]): Promise<Prediction[]> {
    const outputs = await applyModel(
      model,
      batch.map(({ prepared }) => prepared),
    );
    const predictions: Prediction[] = [];
    for (const [i, rows] of outputs.entries()) {
      if ("error" in rows) await batch[i].claim.fail(rows.error);
      else predictions.push({ ...batch[i], rows });
    }
    return predictions;
  }

  async function write(predictions: readonly Prediction[]): Promise<void> {
    let written = 0;
    const writing = inParallel(predictions, parallel, async ({ claim, points, prepared, rows }) => {
      try {
        if (await claim.finish(encode(rows, prepared, claim))) written += points;
      } catch (error) {
        await claim.fail(error);
      }
    });
    for await (const _ of writing);
    onBatch?.(written);
  }

  const batches = packBatches(prepareInputs(), batchPoints);
  const prepareNext = () => handledLater(batches.next());
  try {
    let next = prepareNext();
    let computed: Prediction[] = [];
    while (true) {
      const { value: batch } = await next;
      if (!batch || signal?.aborted) break;
      // The work is submitted to the device before the host continues with its own.
      const computing = handledLater(compute(batch));
      next = prepareNext();
      await write(computed);
      computed = await computing;
    }
    await write(computed);
  } finally {
    await batches.return(undefined);
  }
}

/** Returns a promise that is awaited only after other work, so that its failure meanwhile does not end the process as unhandled. */
function handledLater<Work extends Promise<unknown>>(work: Work): Work {
  work.catch(() => {});
  return work;
}
