// The prediction page: opens a trained model and files, shows what it predicts, and saves copies of the files with it.

import "../shared/task.css";
import "./predict.css";
import { proxy } from "comlink";
import type { FileSource, SurrogateField } from "erwin/experiments";
import { type DataFile, listFiles } from "../shared/data-file.ts";
import { byId, element } from "../shared/dom.ts";
import { acceptChoices, acceptDrops } from "../shared/drop.ts";
import { startEngineWorker } from "../shared/engine-worker.ts";
import { loadExperiments } from "../shared/experiments.ts";
import { count, sentence } from "../shared/format.ts";
import { hasGpu } from "../shared/gpu.ts";
import { say } from "../shared/message.ts";
import { bringIntoView } from "../shared/motion.ts";
import { type RunState, startPage } from "../shared/page.ts";
import { PredictionView } from "../shared/prediction/view.ts";
import { reasonOf } from "../shared/reason.ts";
import { saveFile } from "../shared/save.ts";
import { SiteFunctions } from "../shared/site-worker.ts";
import { isModel, keptModel } from "./models.ts";
import exampleUrl from "./plates.safetensors?url";
import type { Found, ModelFile, OpenedModel } from "./protocol.ts";
import type { PredictWorker } from "./worker.ts";
import workerUrl from "./worker.ts?worker&url";

const backend = byId<HTMLSelectElement>("backend");
const samples = byId<HTMLSelectElement>("sample");
const steps = byId<HTMLInputElement>("steps");
const progress = byId<HTMLProgressElement>("progress");

const NOTHING_YET = "Nothing is opened yet: open a model and files, or try the example.";

/** What was opened; a worker that has failed is given both again. */
let model: Omit<ModelFile, "backend"> | undefined;
let files: { name: string; files: readonly DataFile[] } | undefined;
let found: readonly Found[] = [];
/** Whether the model is of sequences. */
let isSequence = false;
/** Whether the worker has model and files. */
let isOpen = false;
/** The number of the latest action, and the end of all so far. */
let latest = 0;
let acting = Promise.resolve();
/** Whether the worker predicts, which can be ended at once. */
let isComputing = false;

const page = await startPage();
const gpu = hasGpu();
const library = await loadExperiments();
const worker = new SiteFunctions<PredictWorker>(workerUrl, "prediction", () => (isOpen = false), startEngineWorker);
const view = new PredictionView();
backend.value = (await gpu) ? "webgpu" : "cpu";

backend.addEventListener("change", () => void act("Opening the model.", reopen, false));
for (const input of [samples, steps]) input.addEventListener("change", () => void compute(predict));
byId("save").addEventListener("click", () => void compute(() => save([samples.selectedIndex])));
byId("save-all").addEventListener("click", () => void compute(() => save([...found.keys()])));
byId("cancel").addEventListener("click", cancel);
byId("example").addEventListener("click", () => void open("Loading the example.", openExample));
byId("kept-model").addEventListener("click", () => void open("Opening the model.", openKept));
acceptChoices(
  ["open-model", "open-files", "open-folder"],
  (chosen) => void open("Reading.", () => take(library.FileSource.fromInput(chosen))),
);
acceptDrops(({ items }) => {
  // What was dropped has to be taken at once.
  const dropped = library.FileSource.fromDrop(items);
  void open("Reading.", async () => take(await dropped));
});
byId<HTMLButtonElement>("example").disabled = false;
byId("kept-model").hidden = (await keptModel()) === undefined;
if (byId("status").textContent === "Loading.") byId("status").textContent = NOTHING_YET;

/** Opens something, after what was begun before, and has it seen. */
async function open(text: string, action: () => Promise<void>): Promise<void> {
  const acted = act(text, action, false);
  bringIntoView(byId("progress-card"));
  await acted;
  if (page.state === "done") bringIntoView(byId("prediction"));
}

/** Computes something, unless another action is wanted meanwhile. */
function compute(action: () => Promise<void>): Promise<void> {
  return act("Predicting.", action, true);
}

/** Does one action after the other; what is being computed is ended by the next one. */
function act(text: string, action: () => Promise<void>, canBeSkipped: boolean): Promise<void> {
  const number = ++latest;
  if (isComputing) cancel();
  page.state = "running";
  acting = acting.then(async () => {
    if (canBeSkipped && number !== latest) return;
    say();
    page.error = undefined;
    byId("status").textContent = text;
    progress.removeAttribute("value");
    byId("working").hidden = false;
    let state: RunState = "done";
    try {
      await action();
    } catch (error) {
      const isCancelled = (error as Partial<Error> | undefined)?.name === "AbortError";
      state = isCancelled ? "cancelled" : "failed";
      byId("status").textContent = isCancelled ? "Cancelled." : "";
      if (!isCancelled) {
        page.error = reasonOf(error);
        say("bad", sentence(page.error));
      }
    }
    if (number !== latest) return;
    page.state = state;
    byId("working").hidden = true;
  });
  return acting;
}

function cancel(): void {
  worker.call("cancel").catch(() => {
    // The action says why the worker has ended.
  });
}

/** Waits for what the worker computes. */
async function computing<Answer>(answer: () => Promise<Answer>): Promise<Answer> {
  isComputing = true;
  try {
    return await answer();
  } finally {
    isComputing = false;
  }
}

/** Takes what was opened or dropped: a model, files to predict, or both. */
async function take(source: FileSource): Promise<void> {
  const given = listFiles(source);
  const areModels = await Promise.all(given.map(isModel));
  const [first, second] = given.filter((_, i) => areModels[i]);
  if (second) throw new Error(`${first!.path} and ${second.path} are both models: open one of them`);
  const others = given.filter((_, i) => !areModels[i]);
  const data = others.length > 0 ? { name: source.name, files: others } : undefined;
  if (first) await openModel({ name: first.path.split("/").at(-1)!, file: first.file }, data ?? files);
  else if (data) await openFiles(data);
}

/**
 * @param data what it predicts then, if there is anything
 * @param chosen the place of the sample that is predicted first
 */
async function openModel(given: Omit<ModelFile, "backend">, data: typeof files, chosen = 0): Promise<void> {
  byId("status").textContent = "Opening the model.";
  const opened = await worker.call("open", { ...given, backend: backend.value as ModelFile["backend"] });
  model = given;
  isOpen = true;
  ({ isSequence } = opened);
  showModel(opened);
  showFound([]);
  if (data) await openFiles(data, chosen);
  else byId("status").textContent = "The model is ready for files.";
}

async function openFiles(given: NonNullable<typeof files>, chosen = 0): Promise<void> {
  if (!model) {
    files = given;
    const { length } = given.files;
    byId("status").textContent = `${length === 1 ? "1 file is" : `${count(length)} files are`} ready for a model.`;
    return;
  }
  if (!isOpen) return openModel(model, given, chosen);
  byId("status").textContent = "Reading the files.";
  const all = await worker.call("find", given.files, given.name);
  files = given;
  showFound(all);
  samples.selectedIndex = Math.min(chosen, all.length - 1);
  await predict();
}

/** Opens model and files again: on another device, or in another worker after one has failed. */
async function reopen(): Promise<void> {
  if (model) await openModel(model, files, Math.max(0, samples.selectedIndex));
  else byId("status").textContent = NOTHING_YET;
}

async function predict(): Promise<void> {
  // Opening them predicts the sample that is chosen.
  if (!isOpen) return reopen();
  const { name } = found[samples.selectedIndex]!;
  byId("status").textContent = `Predicting ${name}.`;
  const { preview, note } = await computing(() =>
    worker.call("predict", samples.selectedIndex, wantedSteps(), proxy(showProgress)),
  );
  view.show(preview);
  byId("status").textContent = `Predicted ${name}.`;
  if (note) say("warn", sentence(note));
}

/** Returns the number of steps that is asked for, if one is; the library says of other numbers what is wrong with them. */
function wantedSteps(): number | undefined {
  const isEmpty = steps.value === "" && !steps.validity.badInput;
  return isSequence && !isEmpty ? steps.valueAsNumber : undefined;
}

/** @param indices the places of the samples to save */
async function save(indices: readonly number[]): Promise<void> {
  if (!isOpen) await reopen();
  const { name, file } = await computing(() => worker.call("copies", indices, wantedSteps(), proxy(showProgress)));
  saveFile(file, name);
  byId("status").textContent = `Saved ${name}.`;
}

async function openExample(): Promise<void> {
  const response = await fetch(exampleUrl).catch(() => undefined);
  if (!response?.ok) throw new Error("the example's model could not be loaded; check the connection");
  const data = { name: "plates", files: await worker.call("makePlates") };
  await openModel({ name: "plates.safetensors", file: await response.blob() }, data);
}

async function openKept(): Promise<void> {
  const kept = await keptModel();
  if (!kept) throw new Error("the run of this browser is no longer there, or has no model of your own files yet");
  await openModel(kept, files);
}

function showProgress(done: number, all: number): void {
  progress.max = all;
  progress.value = done;
}

function showModel({ device, inputs, targets, needsMesh }: OpenedModel): void {
  byId("device").textContent = device;
  byId("device").hidden = false;
  const rows = [
    ["Sees", [...inputs.map(describe), ...(needsMesh ? ["the mesh"] : [])]],
    ["Predicts", targets.map(describe)],
  ] as const;
  byId("model-facts").replaceChildren(
    ...rows.flatMap(([title, all]) => [element("dt", {}, title), element("dd", {}, all.join(", "))]),
  );
  byId("model-facts").hidden = false;
}

function describe({ name, channels, isWhole, classes }: SurrogateField): string {
  const kinds = [
    channels > 1 && `${channels} components`,
    classes && `${classes.length} classes`,
    isWhole && "of the whole",
  ];
  const known = kinds.filter(Boolean);
  return known.length > 0 ? `${name} (${known.join(", ")})` : name;
}

function showFound(all: readonly Found[]): void {
  found = all;
  view.show(undefined);
  const areSequences = all.some(({ frames }) => frames > 1);
  byId("sample-label").textContent = areSequences ? "Sequence" : "Sample";
  samples.replaceChildren(
    ...all.map(({ name, frames }) => element("option", {}, areSequences ? `${name}, ${count(frames)} frames` : name)),
  );
  byId("sample-field").hidden = all.length === 0;
  byId("steps-field").hidden = all.length === 0 || !isSequence;
  steps.placeholder = areSequences ? "all frames" : "the next frame";
  byId<HTMLButtonElement>("save").disabled = all.length === 0;
  byId("save-all").hidden = all.length < 2;
}
