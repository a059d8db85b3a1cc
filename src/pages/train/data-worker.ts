// Surveys data sets and generates some, in a worker, so that the page stays responsive.

import { expose } from "comlink";
import type { GeneratorOptions } from "../../experiments/generator.ts";
import type { DataFile } from "../shared/data-file.ts";
import { loadEngine } from "../shared/engine.ts";
import { answerPage } from "../shared/signs-of-life.ts";

/** The largest number of samples that is generated on the page; the command line generates more. */
const MAX_SAMPLES = 16;

/** What is proposed for the user's own files. */
export interface Proposal {
  /** The config, in YAML. */
  config: string;
  /** The arrays that cannot be read, by name, and why. */
  leftOut: ReadonlyMap<string, string>;
}

/** How an experiment's samples can be generated. */
export interface Generation {
  /** The default options. */
  options: GeneratorOptions;
  /** The least number of samples. */
  leastSamples: number;
  /** Options of training with which a small model learns from them in minutes, as flags of the command line. */
  training: string;
}

const loadGenerators = async () => (await import("../../experiments/generators.ts")).generators;

const answers = {
  /**
   * Returns what `erwin init` would write for these files, and say of them.
   * @throws FormatError if there is no sample, or one is damaged
   */
  async propose(files: readonly DataFile[], name: string): Promise<Proposal> {
    await loadEngine();
    const { FileSource, proposeConfig, survey } = await import("erwin/experiments");
    const source = new FileSource(new Map(files.map(({ path, file }) => [path, file])), name);
    const found = await survey(source);
    return { config: proposeConfig(found, name || "data"), leftOut: found.leftOut };
  },

  /** Returns undefined for an experiment whose samples cannot be generated. */
  async generationOf(experiment: string): Promise<Generation | undefined> {
    const generators = await loadGenerators();
    if (!Object.hasOwn(generators, experiment)) return undefined;
    const { defaults, least, training = "" } = generators[experiment];
    const samples = Math.min(defaults.samples, MAX_SAMPLES);
    return { options: { seed: 0, frames: 1, ...defaults, samples }, leastSamples: least.samples, training };
  },

  /** Generates a data set, as `erwin generate` does. @param onSample receives the number of samples that are done */
  async generate(experiment: string, options: GeneratorOptions, onSample: (done: number) => void): Promise<DataFile[]> {
    const generators = await loadGenerators();
    const files: DataFile[] = [];
    let done = 0;
    for await (const { path, bytes } of generators[experiment].files(options, () => onSample(++done))) {
      files.push({ path, file: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
    }
    return files;
  },
};

export type DataWorker = typeof answers;

answerPage();
expose(answers);
