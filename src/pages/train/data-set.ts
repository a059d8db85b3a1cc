// The data set of a run: files that were opened or dropped, or samples that are generated here.

import { proxy } from "comlink";
import type { FileSource } from "erwin/experiments";
import type { GeneratorOptions } from "../../experiments/generator.ts";
import { type DataFile, listFiles } from "../shared/data-file.ts";
import { byId } from "../shared/dom.ts";
import { count } from "../shared/format.ts";
import { SiteFunctions } from "../shared/site-worker.ts";
import type { DataWorker, Generation, Proposal } from "./data-worker.ts";
import workerUrl from "./data-worker.ts?worker&url";

const facts = byId("data-facts");
const button = byId<HTMLButtonElement>("generate");
const samples = byId<HTMLInputElement>("generate-samples");

export class DataSet {
  readonly #worker = new SiteFunctions<DataWorker>(workerUrl, "reader of data sets");
  #files: readonly DataFile[] | undefined;
  #name = "";
  #generated: GeneratorOptions | undefined;
  /** The experiment that is shown, and how its samples can be generated. */
  #experiment = "";
  #generation: Generation | undefined;

  get files(): readonly DataFile[] | undefined {
    return this.#files;
  }

  /** The options with which the samples were generated; undefined for files. */
  get generated(): GeneratorOptions | undefined {
    return this.#generated;
  }

  take(source: FileSource): void {
    const { name, files } = source;
    this.#set(listFiles(source), name, undefined);
    facts.textContent = `${name === "" ? "Data set" : name}: ${count(files.size)} file${files.size === 1 ? "" : "s"}.`;
  }

  /** Shows the source of an experiment's samples. @param readsFiles whether the experiment reads any */
  async show(experiment: string, readsFiles: boolean): Promise<void> {
    byId("data").hidden = !readsFiles;
    if (experiment === this.#experiment) return;
    this.#experiment = experiment;
    // Samples that are generated, or are just being, are those of the previous experiment.
    if (this.#generated || !this.#files) this.#forget();
    byId("generation").hidden = true;
    if (!readsFiles) return;
    this.#generation = await this.#worker.call("generationOf", experiment);
    if (!this.#generation || this.#experiment !== experiment) return;
    samples.value = String(this.#generation.options.samples);
    samples.min = String(this.#generation.leastSamples);
    byId("generation").hidden = false;
  }

  /**
   * Generates an experiment's samples, as many as the form says.
   * @returns the options of training that suit them, as flags of the command line
   */
  async generate(experiment: string): Promise<string> {
    const { options, leastSamples, training } = this.#generation!;
    const wanted = Math.max(leastSamples, Math.round(samples.valueAsNumber || options.samples));
    await this.generateAgain(experiment, { ...options, samples: wanted });
    return training;
  }

  /** Generates the samples of a run again, unless they are there. They are dropped if another experiment is chosen meanwhile. */
  async generateAgain(experiment: string, options: GeneratorOptions): Promise<void> {
    if (JSON.stringify(options) === JSON.stringify(this.#generated)) return;
    button.disabled = true;
    const say = (done: number) => {
      if (experiment !== this.#experiment) return;
      facts.textContent = `Making sample ${count(Math.min(done + 1, options.samples))} of ${count(options.samples)}.`;
    };
    try {
      say(0);
      const files = await this.#worker.call("generate", experiment, options, proxy(say));
      if (experiment !== this.#experiment) return;
      this.#set(files, "generated", options);
      facts.textContent = `${count(options.samples)} samples, made here.`;
    } finally {
      button.disabled = false;
    }
  }

  /** Proposes a config for files, by default those of this data set. @throws FormatError if they contain no samples */
  propose(source?: FileSource): Promise<Proposal> {
    if (source) return this.#worker.call("propose", listFiles(source), source.name);
    return this.#worker.call("propose", this.#files ?? [], this.#name);
  }

  #forget(): void {
    this.#files = undefined;
    this.#generated = undefined;
    facts.textContent = "No data set yet.";
  }

  #set(files: readonly DataFile[], name: string, generated: GeneratorOptions | undefined): void {
    this.#files = files;
    this.#name = name;
    this.#generated = generated;
  }
}
