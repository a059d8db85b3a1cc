// Predicts for the service: from the bytes of a request to the bytes of the answer.

import { FOLDER } from "../../experiments/folder/experiment.ts";
import { sampleExtensions } from "../../experiments/folder/read.ts";
import { addableExtensions } from "../../formats/add-arrays.ts";
import { type Device, type ErwinTransformer, InputError, loadSafetensors } from "../../index.ts";
import { Batcher } from "../../jobs/batcher.ts";
import { SerialQueue } from "../../serial.ts";
import { cloudExtensions, readCloud } from "../clouds.ts";
import { loadModel, modelInput } from "../model.ts";
import type { ModelChoice } from "../options/shared.ts";
import { checkPredictionFormat, encodePrediction, type PredictionFormat, predictionFormats } from "../output.ts";
import { type Beside, type OpenFields, openFields } from "../predict/fields.ts";
import { HttpError } from "./http-error.ts";
import { formatJsonRows, readJsonCloud } from "./json.ts";

/** The formats of a request's body and of the answer: extensions without dots, or "json". */
export interface Formats {
  from: string;
  to: string;
  /** The name of the input in messages; default request.EXTENSION. */
  path?: string;
  /** What is known of the input beside its bytes. */
  beside?: Beside | undefined;
}

export interface Predictor {
  /** The names of values of the whole sample that a request's address can give. */
  readonly globals: readonly string[];
  /** The passes and points so far, the inputs that wait for a pass, and the memory in use on the device. */
  readonly numbers: { batches: number; points: number; waiting: number; deviceBytes: number };
  /** @throws HttpError, or an ErwinError if the input is invalid */
  predict(body: Uint8Array, formats: Formats, signal: AbortSignal): Promise<Uint8Array>;
}

/** What of a cloud's file is the model's input. */
type CloudChoice = Partial<Pick<ModelChoice, "features" | "graph">>;

/** Opens a model: one of a folder's fields, or a transformer alone. */
export async function openPredictor(
  weights: { bytes: Uint8Array; file: string },
  device: Device,
  choice: CloudChoice,
  batchPoints: number,
): Promise<Predictor & Disposable> {
  const { bytes, file } = weights;
  const { metadata } = loadSafetensors(bytes, { file });
  if (metadata.experiment === FOLDER) return new FieldPredictor(openFields({ weights, metadata }, device));
  return new BatchPredictor(await loadModel(bytes, file, device), choice, batchPoints);
}

/** The requests that wait while the device is busy share its next pass. */
export class BatchPredictor implements Predictor, Disposable {
  readonly globals = [];
  readonly #model: ErwinTransformer;
  readonly #choice: CloudChoice;
  readonly #batcher: Batcher;

  constructor(model: ErwinTransformer, choice: CloudChoice, batchPoints: number) {
    this.#model = model;
    this.#choice = choice;
    this.#batcher = new Batcher(model, batchPoints);
  }

  get numbers() {
    const { batches, points, waiting } = this.#batcher;
    return { batches, points, waiting, deviceBytes: this.#model.device.memory.current };
  }

  async predict(
    body: Uint8Array,
    { from, to, path = `request.${from}` }: Formats,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (from !== "json") expectReadable(from, ["json", ...withoutDots(cloudExtensions)]);
    const model = this.#model;
    const { decode, dimensionality } = model.config;
    const format = to === "json" ? undefined : outputFormat(to);
    if (format) checkPredictionFormat(format, decode);
    const cloud = from === "json" ? readJsonCloud(body) : await readCloud(body, path, this.#choice.features);
    const prepare = async () =>
      model.prepare(await modelInput(model, cloud, this.#choice.graph, model.device.threads), { signal });
    const rows = await this.#batcher.predict(cloud.points, prepare, signal);
    if (!format) return formatJsonRows(rows, decode);
    return encodePrediction(format, rows, { ...cloud, path, bytes: body, dimensionality }, decode);
  }

  [Symbol.dispose](): void {
    this.#model.dispose();
  }
}

/** A model of a folder's fields: requests are predicted one after the other, and an answer contains everything that the file contained. */
class FieldPredictor implements Predictor, Disposable {
  readonly #fields: OpenFields;
  readonly #queue = new SerialQueue();
  readonly #numbers = { batches: 0, points: 0, waiting: 0 };

  constructor(fields: OpenFields) {
    this.#fields = fields;
  }

  get globals() {
    return this.#fields.globals;
  }

  get numbers() {
    return { ...this.#numbers, deviceBytes: this.#fields.memory.current };
  }

  async predict(body: Uint8Array, { from, to, path, beside }: Formats, signal: AbortSignal): Promise<Uint8Array> {
    expectReadable(from, sampleExtensions);
    if (!addableExtensions.includes(to)) throw unknownFormat(to, addableExtensions);
    const work = () => this.#fields.predict(body, path ?? `request.${from}`, `answer.${to}`, beside);
    this.#numbers.waiting++;
    try {
      const { bytes, points } = await this.#queue.run(work, signal);
      this.#numbers.batches++;
      this.#numbers.points += points;
      return bytes;
    } finally {
      this.#numbers.waiting--;
    }
  }

  [Symbol.dispose](): void {
    this.#fields[Symbol.dispose]();
  }
}

function outputFormat(to: string): PredictionFormat {
  const format = predictionFormats.find((extension) => extension === `.${to}`);
  if (format) return format;
  throw unknownFormat(to, ["json", ...withoutDots(predictionFormats)]);
}

/** By default the answer has the format of the body: a wrong one would be reported as that of the answer. */
function expectReadable(from: string, known: readonly string[]): void {
  if (known.includes(from.toLowerCase())) return;
  throw new InputError(`from is "${from}", expected ${known.join(", ")}`, { found: from, expected: [...known] });
}

const withoutDots = (extensions: readonly string[]) => extensions.map((extension) => extension.slice(1));

const unknownFormat = (to: string, known: readonly string[]) =>
  new HttpError(400, `to is "${to}", expected ${known.join(", ")} (by default it is from)`);
