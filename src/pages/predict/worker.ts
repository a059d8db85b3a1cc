// Predicts in a worker, so that the page stays responsive.

import { expose } from "comlink";
import type { DataFile } from "../shared/data-file.ts";
import { takeEngine } from "../shared/engine-worker.ts";
import { Predictor } from "./predictor.ts";

/** Like those of `erwin generate folder --samples 120 --points 200`, which the model has seen, with another seed. */
const PLATES = { samples: 6, points: 200, frames: 1, seed: 1 };

const predictor = new Predictor(takeEngine());

const answers = {
  open: (...[model]: Parameters<Predictor["open"]>) => predictor.open(model),
  find: (...[files, name]: Parameters<Predictor["find"]>) => predictor.find(files, name),
  predict: (...[index, steps, onFrame]: Parameters<Predictor["predict"]>) => predictor.predict(index, steps, onFrame),
  copies: (...[indices, steps, onFrame]: Parameters<Predictor["copies"]>) => predictor.copies(indices, steps, onFrame),
  cancel: () => predictor.cancel(),

  /** Makes the example's files: plates of the kind on which its model was trained, but others. */
  async makePlates(): Promise<DataFile[]> {
    const { folderGenerator } = await import("../../experiments/folder/write.ts");
    const files: DataFile[] = [];
    for await (const { path, bytes } of folderGenerator.files(PLATES, () => {})) {
      files.push({ path, file: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
    }
    return files;
  },
};

export type PredictWorker = typeof answers;

expose(answers);
