// Predicts for the service: from the bytes of a request to the bytes of the answer.

import type { ErwinTransformer } from "../../index.ts";
import { Batcher } from "../../jobs/batcher.ts";
import { SerialQueue } from "../../serial.ts";
import { readCloud } from "../clouds.ts";
import { modelInput } from "../model.ts";
import type { ModelChoice } from "../options.ts";
import { checkPredictionFormat, encodePrediction, type PredictionFormat, predictionFormats } from "../output.ts";
import { expectFieldOutput, type OpenFields } from "../predict/fields.ts";
import { HttpError } from "./http-error.ts";
import { formatJsonRows, readJsonCloud } from "./json.ts";

/** The formats of a request's body and of the answer: extensions without dots, or "json". */
export interface Formats {
  from: string;
  to: string;
  /** The name of the input in messages; default request.EXTENSION. */
  path?: string;
}

export interface Predictor {
  /** The passes and points so far, and the inputs that wait for a pass. */
  readonly numbers: { batches: number; points: number; waiting: number };
  /** @throws HttpError, or an ErwinError if the input is invalid */
  predict(body: Uint8Array, formats: Formats, signal: AbortSignal): Promise<Uint8Array>;
}

/** The requests that wait while the device is busy share its next pass. */
export class BatchPredictor implements Predictor, Disposable {
  readonly #model: ErwinTransformer;
  readonly #choice: Pick<ModelChoice, "features" | "graph">;
  readonly #batcher: Batcher;

  constructor(model: ErwinTransformer, choice: Pick<ModelChoice, "features" | "graph">, batchPoints: number) {
    this.#model = model;
    this.#choice = choice;
    this.#batcher = new Batcher(model, batchPoints);
  }

  get numbers() {
    const { batches, points, waiting } = this.#batcher;
    return { batches, points, waiting };
  }

  async predict(
    body: Uint8Array,
    { from, to, path = `request.${from}` }: Formats,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const model = this.#model;
    const { decode, dimensionality } = model.config;
    const format = to === "json" ? undefined : outputFormat(to);
    if (format) checkPredictionFormat(format, decode);
    const cloud = from === "json" ? readJsonCloud(body) : readCloud(body, path, this.#choice.features);
    const prepared = await model.prepare(await modelInput(model, cloud, this.#choice.graph, model.device.threads));
    signal.throwIfAborted();
    const rows = await this.#batcher.predict(prepared, signal);
    if (!format) return formatJsonRows(rows, decode);
    return encodePrediction(format, rows, { path, bytes: body, positions: cloud.positions, dimensionality }, decode);
  }

  [Symbol.dispose](): void {
    this.#model.dispose();
  }
}

/** A model of a folder's fields: requests are predicted one after the other, and an answer contains everything that the file contained. */
export class FieldPredictor implements Predictor, Disposable {
  readonly numbers = { batches: 0, points: 0, waiting: 0 };
  readonly #fields: OpenFields;
  readonly #queue = new SerialQueue();

  constructor(fields: OpenFields) {
    this.#fields = fields;
  }

  async predict(body: Uint8Array, { from, to, path }: Formats, signal: AbortSignal): Promise<Uint8Array> {
    const [input, output] = [path ?? `request.${from}`, `answer.${to}`];
    expectFieldOutput(output);
    this.numbers.waiting++;
    try {
      const { bytes } = await this.#queue.run(() => this.#fields.predict(body, input, output), signal);
      this.numbers.batches++;
      return bytes;
    } finally {
      this.numbers.waiting--;
    }
  }

  [Symbol.dispose](): void {
    this.#fields[Symbol.dispose]();
  }
}

function outputFormat(to: string): PredictionFormat {
  const format = predictionFormats.find((extension) => extension === `.${to}`);
  if (format) return format;
  const known = predictionFormats.map((extension) => extension.slice(1));
  throw new HttpError(400, `to is "${to}", expected json, ${known.join(", ")}`);
}
