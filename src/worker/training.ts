// Training in the worker: the fit loop on a page's samples, with its files packed into the one checkpoint that the page
// keeps.

import type { ErwinTransformer } from "../erwin/model.ts";
import { loadSafetensors, type SafeTensor, saveSafetensors } from "../formats/safetensors/safetensors.ts";
import { isOfTraining } from "../nn/checkpoint.ts";
import { BEST_CHECKPOINT, LAST_CHECKPOINT, MemoryStore } from "../train/checkpoints/store.ts";
import type { FitController } from "../train/control.ts";
import { fit } from "../train/fit.ts";
import type { FitOptions, FitProgress } from "../train/fit-options.ts";
import type { WorkerTrainingOptions, WorkerTrainingResult } from "./protocol.ts";
import { trainingData } from "./samples.ts";

/** The prefix of the best weights in the page's checkpoint, which readers of a model ignore. */
const BEST_PREFIX = "training.best.";

interface TrainingListeners extends Pick<FitOptions<unknown, unknown>, "recover" | "onRecovery"> {
  controller: FitController;
  /** Training ends if a call rejects. */
  onProgress?: (progress: FitProgress) => Promise<unknown>;
  onCheckpoint?: (checkpoint: Uint8Array<ArrayBuffer>) => Promise<unknown>;
}

/**
 * Trains as described in `ErwinWorker.train`. Resolves when the listeners have received everything.
 * @returns the result, and the model's file as it is afterwards, which shares no memory with the result
 */
export async function trainModel(
  model: ErwinTransformer,
  options: WorkerTrainingOptions,
  { controller, recover, onRecovery, onProgress, onCheckpoint }: TrainingListeners,
): Promise<{ result: WorkerTrainingResult; file: Uint8Array<ArrayBuffer> }> {
  const data = trainingData(model, options);
  const { samples, validation, test, radius, maxNeighbors, loss, checkpoint, ...plain } = options;
  const store = new PageStore(checkpoint);
  let heard: Promise<unknown> = Promise.resolve();
  const hear = (call: Promise<unknown> | undefined) => {
    heard = Promise.all([heard, call]).then(() => {});
    heard.catch(() => controller.stop());
  };
  if (onCheckpoint) store.onSave = () => hear(onCheckpoint(store.checkpoint));
  const result = await fit({
    ...plain,
    model,
    ...data,
    store,
    controller,
    recover,
    onRecovery,
    onProgress: (now) => hear(onProgress?.(now)),
  });
  await heard;
  // A run that was stopped in its test has its best weights already; if it cannot be read, its device was lost meanwhile.
  const file = result.finished ? store.load(BEST_CHECKPOINT)! : await model.save().catch(() => store.lastModel);
  return { result: { ...result, checkpoint: store.checkpoint }, file };
}

/** Presents the two files of a run as one. */
class PageStore extends MemoryStore {
  /** Called when the last checkpoint has been saved. */
  onSave: () => void = () => {};

  /** @throws FormatError if the checkpoint is damaged */
  constructor(checkpoint?: Uint8Array) {
    super();
    if (!checkpoint) return;
    const { tensors, metadata } = loadSafetensors(checkpoint, { file: LAST_CHECKPOINT });
    const [last, best] = [new Map<string, SafeTensor>(), new Map<string, SafeTensor>()];
    for (const [name, tensor] of tensors) {
      if (name.startsWith(BEST_PREFIX)) best.set(name.slice(BEST_PREFIX.length), tensor);
      else last.set(name, tensor);
    }
    this.files.set(LAST_CHECKPOINT, saveSafetensors(last, metadata));
    if (best.size > 0) this.files.set(BEST_CHECKPOINT, saveSafetensors(best));
  }

  override save(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    super.save(name, bytes);
    if (name === LAST_CHECKPOINT) this.onSave();
  }

  /** The model of the last checkpoint. */
  get lastModel(): Uint8Array<ArrayBuffer> {
    const { tensors, metadata } = loadSafetensors(this.load(LAST_CHECKPOINT)!);
    return saveSafetensors(new Map([...tensors].filter(([name]) => !isOfTraining(name))), metadata);
  }

  /** Both files; the same, byte for byte, for runs at the same step. */
  get checkpoint(): Uint8Array<ArrayBuffer> {
    const last = this.load(LAST_CHECKPOINT)!;
    const best = this.load(BEST_CHECKPOINT);
    if (!best) return last;
    const { tensors, metadata } = loadSafetensors(last);
    for (const [name, tensor] of loadSafetensors(best).tensors) tensors.set(BEST_PREFIX + name, tensor);
    return saveSafetensors(tensors, metadata);
  }
}
