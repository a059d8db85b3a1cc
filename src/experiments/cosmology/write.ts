// Writes generated halo catalogues as files of the published kind: TFRecord files with a tf.train.Example for each catalogue.

import { writeExample } from "../../formats/tensorflow/tensorflow.ts";
import { writeTfRecords } from "../../formats/tensorflow/tfrecord.ts";
import { type DataGenerator, splitSizes } from "../generator.ts";
import { type HaloCatalogue, haloCatalogue } from "./generate.ts";
import { cosmologyPicture } from "./picture.ts";

/** The number of catalogues in a file, which are in memory at the same time. */
const SAMPLES_PER_FILE = 256;

export const cosmologyGenerator: DataGenerator = {
  summary: "halos of a Gaussian random field that moved along with it (Zel'dovich): positions and velocities",
  defaults: { samples: 320, points: 512 },
  training: "--steps 300 --batch-size 4 --lr 1e-3 --min-lr 1e-5 --validate-every 50",
  least: { samples: 3, points: 11 },
  async *files({ samples, seed, points }, onSample) {
    const sizes = splitSizes(samples);
    let index = 0;
    for (const [split, size] of [
      ["train", sizes.train],
      ["val", sizes.validation],
      ["test", sizes.test],
    ] as const) {
      for (let first = 0; first < size; first += SAMPLES_PER_FILE) {
        const records: Uint8Array[] = [];
        while (records.length < Math.min(SAMPLES_PER_FILE, size - first)) {
          records.push(exampleOf(haloCatalogue(points, seed, index++)));
          onSample();
        }
        yield { path: `halos_${split}_${first / SAMPLES_PER_FILE}.tfrecord`, bytes: writeTfRecords(records) };
      }
    }
  },
  picture: cosmologyPicture,
};

/** Makes an Example. The parameters of the cosmology are tensors without a dimension, all others have one. */
function exampleOf(halos: HaloCatalogue): Uint8Array {
  const tensors = Object.entries(halos).map(
    ([name, data]) => [name, { shape: data.length === 1 ? [] : [data.length], data }] as const,
  );
  return writeExample(new Map(tensors));
}
