// The training page: starts a run, shows how it goes on, and lets it pause and resume.

import "./train.css";
import type { LogEntry } from "erwin";
import type { FileSource } from "erwin/experiments";
import { within } from "../../host/patience.ts";
import { byId, element } from "../shared/dom.ts";
import { acceptDrops } from "../shared/drop.ts";
import { count, figure, sentence } from "../shared/format.ts";
import { keepAwake } from "../shared/keep-awake.ts";
import { startPage } from "../shared/page.ts";
import { pastRun } from "./curves.ts";
import { DataSet } from "./data-set.ts";
import { Form } from "./form.ts";
import { Job } from "./job.ts";
import { PredictionView } from "./prediction-view.ts";
import { ProgressView } from "./progress-view.ts";
import type { FromWorker } from "./protocol.ts";
import { checkRun, downloadRun, readRunFile } from "./run-file.ts";
import { RunLock } from "./run-lock.ts";
import { RunStore } from "./run-store.ts";
import { isCheckpointOf, lastStep, type RunConfig, readRun } from "./saved-run.ts";

const startButton = byId<HTMLButtonElement>("start");
const pauseButton = byId<HTMLButtonElement>("pause");
const resumeButton = byId<HTMLButtonElement>("resume");
const saveButton = byId<HTMLButtonElement>("save");
const settings = byId<HTMLFieldSetElement>("settings");

/** The run that is shown: the one under way, or that of the browser's database. */
let shown: RunConfig | undefined;
let entries: LogEntry[] = [];
let job: Job | undefined;
/** What is wanted of the run under way; until its worker says so it may still be otherwise. */
let wanted: "run" | "pause" = "pause";
/** Whether it pauses because the page is hidden, and goes on by itself. */
let waitsForView = false;
/** Releases the lock that keeps the screen on. */
let letSleep = () => {};
/** Whether the start of a run is being prepared: a second click, or a file, has to wait. */
let starting = false;

/** The page does not wait longer than this for the browser to say whether there is a GPU. */
const ADAPTER_SECONDS = 4;
const ANOTHER_TAB =
  "Another tab of this browser has started a run, and the browser keeps only one: continue there, or close that tab and try again.";
const OTHER_RUN =
  "Another tab has trained the run that is shown now: “Resume” continues it, “Save run” downloads it, and what you just did, done again, replaces it.";

const page = await startPage();
const gpu = hasGpu();
const library = await import("erwin/experiments").catch((error: Error) => {
  byId("status").textContent = "";
  say("bad", "The library could not be loaded: check the connection, and reload the page.");
  throw error;
});
const view = new ProgressView();
const prediction = new PredictionView();
const lock = new RunLock();
const data = new DataSet();
const form = new Form(library, await gpu, showExperiment);

await showSaved();
if (location.search) form.showQuery(new URLSearchParams(location.search));
showExperiment();
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void prepare(start);
});
pauseButton.addEventListener("click", () => pause());
resumeButton.addEventListener("click", () => void prepare(resume));
saveButton.addEventListener("click", () => void saying(save));
byId("generate").addEventListener("click", () => void saying(generate));
byId("generate-samples").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  // The form would start a run.
  event.preventDefault();
  byId("generate").click();
});
byId("forget").addEventListener("click", () => void saying(forgetPastRuns));
document.addEventListener("visibilitychange", followVisibility);
addEventListener("beforeunload", (event) => {
  // The browser asks whether to leave: the steps since the last checkpoint would be lost.
  if (page.state === "running") event.preventDefault();
});
acceptFiles();
startButton.disabled = false;
if (!shown) byId("status").textContent = "Nothing has been trained yet.";

/** Whether this device has a GPU to choose at first: browsers with WebGPU may have no adapter, or never say so. */
async function hasGpu(): Promise<boolean> {
  try {
    return Boolean(navigator.gpu && (await within(ADAPTER_SECONDS, navigator.gpu.requestAdapter())));
  } catch {
    return false;
  }
}

/** Does one of the page's actions; a failure is shown. */
async function saying(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    say("bad", sentence((error as Error).message));
  }
}

/** Starts or resumes a run, once however often it is clicked. */
async function prepare(action: () => Promise<void>): Promise<void> {
  if (starting) return;
  starting = true;
  await saying(action);
  // Other tabs need not wait for a run that did not begin.
  if (!job) lock.giveBack();
  starting = false;
}

async function start(): Promise<void> {
  const config = { ...form.config, generated: data.generated };
  if (form.readsFiles && !data.files) throw new Error(needsData(config));
  await takeToReplace();
  job?.end();
  job = undefined;
  await rememberRun();
  shown = config;
  entries = [];
  page.result = undefined;
  page.step = 0;
  page.loss = undefined;
  saveButton.disabled = true;
  prediction.show(undefined);
  showExperiment();
  begin(config, false);
}

/** Takes the run that the browser keeps, to replace it; another than the one that is shown is shown first. */
async function takeToReplace(): Promise<void> {
  if (!(await lock.take())) throw new Error(ANOTHER_TAB);
  if (job || (await showsKept())) return;
  await showSaved(false);
  showExperiment();
  if (await showsKept()) throw new Error(OTHER_RUN);
}

/** Whether the run that the browser keeps is shown; what cannot be read is no run. */
async function showsKept(): Promise<boolean> {
  try {
    const kept = readRun(await (await RunStore.open()).loadAll());
    return !kept || isCheckpointOf(kept, entries);
  } catch {
    return true;
  }
}

async function resume(): Promise<void> {
  if (!(await lock.take())) throw new Error(ANOTHER_TAB);
  // Another tab may have continued the run, or started another, since it was shown here.
  const kept = job ? undefined : readRun(await (await RunStore.open()).loadAll());
  if (kept) ({ config: shown, entries } = kept);
  if (!shown) return;
  // Where its device has failed, another one can be chosen.
  if (page.state === "failed") shown = { ...shown, backend: form.backend };
  // The run continues with its own options, whatever has been chosen meanwhile.
  form.show(shown);
  showExperiment();
  if (!job) {
    if (shown.generated) await data.generateAgain(shown.experiment, shown.generated);
    if (readsFiles(shown) && !data.files) throw new Error(needsData(shown));
  }
  begin(shown, true);
}

/** Trains on; a worker that is there already goes on where it paused. */
function begin(config: RunConfig, goOn: boolean): void {
  wanted = "run";
  waitsForView = false;
  say();
  show("running", "Loading the engine and the samples.");
  page.error = undefined;
  page.longestTask = 0;
  job ??= new Job(hear);
  letSleep();
  letSleep = keepAwake();
  const files = readsFiles(config) ? data.files : undefined;
  job.train({ type: "train", config, files, resume: goOn });
  pauseButton.focus();
  if (document.hidden) followVisibility();
}

function pause(): void {
  wanted = "pause";
  pauseButton.disabled = true;
  job?.pause();
}

function followVisibility(): void {
  if (document.hidden && page.state === "running" && wanted === "run") {
    waitsForView = true;
    pause();
  } else if (!document.hidden && waitsForView) {
    // Where it is still about to pause, it goes on when it has.
    waitsForView = false;
    if (page.state === "paused") void prepare(resume);
    else wanted = "run";
  }
}

function hear(message: FromWorker): void {
  if (message.type === "begun") {
    ({ entries } = message);
    byId("device").textContent = message.device;
    byId("device").hidden = false;
    showEntries();
    byId("status").textContent = "Training.";
  } else if (message.type === "entry") {
    entries.push(message.entry);
    showEntries();
  } else if (message.type === "preview") {
    prediction.show(message.preview);
  } else if (message.type === "recovered") {
    byId("device").textContent = message.device;
    byId("status").textContent = `Training. ${sentence(message.message)}`;
  } else if (message.type === "saved") {
    saveButton.disabled = false;
  } else if (message.type === "paused") {
    if (wanted === "run" && shown) begin(shown, true);
    else show("paused", `Paused after step ${count(page.step ?? 0)}. The run is kept in this browser.`);
  } else if (message.type === "done") {
    page.result = message.result;
    const { test, step } = message.result;
    const tested = test?.loss === undefined ? "" : `; loss on the test split ${figure(test.loss)}`;
    endJob();
    show("done", `Done: ${count(step)} steps${tested}. “Save run” downloads the model.`);
  } else {
    page.error = message.message;
    endJob();
    show("failed", `Stopped after step ${count(page.step ?? 0)}.`);
    say("bad", `${sentence(message.message)} ${adviceFor(message.name)}`);
  }
}

function endJob(): void {
  waitsForView = false;
  job?.end();
  job = undefined;
  lock.giveBack();
}

function adviceFor(name: string): string {
  const again = saveButton.disabled ? "“Start” tries again." : "“Resume” continues from the last checkpoint.";
  if (name === "DeviceError" || name === "DeviceLostError")
    return `${again} Or choose the processor as the device first.`;
  if (name === "OutOfMemoryError") return "Choose a smaller batch size, and “Start” again.";
  if ((name === "FormatError" || name === "InputError") && shown && readsFiles(shown)) {
    return "Check the data set, open its folder again, and “Start”.";
  }
  if (name === "ConfigError" || name === "NumericalError") return "Change the options, and “Start” again.";
  return again;
}

function readsFiles({ experiment }: RunConfig): boolean {
  return experiment === library.FOLDER || library.experiments[experiment]!.readsFiles;
}

function needsData({ experiment }: RunConfig): string {
  return `${experiment} reads a data set: open its folder, drop it on the page, or make samples, and try again.`;
}

/** Shows what the page is doing, by its buttons too. */
function show(state: typeof page.state, text: string): void {
  const running = state === "running";
  const hadFocus = [startButton, pauseButton, resumeButton].includes(document.activeElement as HTMLButtonElement);
  settings.disabled = running;
  startButton.hidden = running;
  pauseButton.hidden = !running;
  pauseButton.disabled = false;
  resumeButton.hidden = !(state === "paused" || (state === "failed" && !saveButton.disabled));
  startButton.classList.toggle("primary", resumeButton.hidden);
  byId("status").textContent = text;
  page.state = state;
  if (!running) letSleep();
  if (hadFocus && !running) (resumeButton.hidden ? startButton : resumeButton).focus({ preventScroll: true });
}

function showEntries(): void {
  const last = lastStep(entries);
  page.step = last?.step ?? 0;
  page.loss = last?.loss as number | undefined;
  view.show(entries, shown!.options.steps as number);
}

/** Shows the run that is kept in the browser, if there is one. @param inForm whether the form shows its options */
async function showSaved(inForm = true): Promise<void> {
  try {
    const files = await (await RunStore.open()).loadAll();
    const run = readRun(files);
    if (!run || !files["last.safetensors"] || !library.experimentNames.includes(run.config.experiment)) return;
    ({ config: shown, entries } = run);
    if (inForm) form.show(shown);
    saveButton.disabled = false;
    showEntries();
    const [step, steps] = [page.step ?? 0, shown.options.steps as number];
    const where = `A run of ${shown.experiment} is kept in this browser: ${count(step)} of ${count(steps)} steps.`;
    // The last files of a run are its best weights.
    if (step === steps && files["model.safetensors"]) show("idle", `${where} “Start” replaces it by a new one.`);
    else show("paused", `${where} “Resume” continues it, “Start” replaces it by a new one.`);
  } catch (error) {
    say("warn", sentence((error as Error).message));
  }
}

async function save(): Promise<void> {
  const files = await (await RunStore.open()).loadAll();
  downloadRun(files, `erwin-${shown?.experiment ?? "run"}`);
}

async function openRunFile(file: File): Promise<void> {
  const files = await readRunFile(file);
  await checkRun(files, file.name);
  await takeToReplace();
  try {
    await rememberRun();
    await (await RunStore.open()).replaceAll(files);
  } finally {
    lock.giveBack();
  }
  say();
  prediction.show(undefined);
  await showSaved();
  showExperiment();
}

/** Keeps the curve of the shown run, before another replaces it. */
async function rememberRun(): Promise<void> {
  if (shown && entries.length > 1) await (await RunStore.open()).addPastRun(pastRun(shown, entries));
}

async function forgetPastRuns(): Promise<void> {
  await (await RunStore.open()).forgetPastRuns();
  await showPastRuns();
}

async function showPastRuns(): Promise<void> {
  const runs = await (await RunStore.open()).pastRuns();
  const experiment = shown?.experiment ?? form.name;
  const same = runs.filter((run) => run.experiment === experiment);
  view.showPast(same);
  byId("forget").hidden = same.length === 0;
}

/** Generates samples for the chosen experiment, and sets the options that suit them. */
async function generate(): Promise<void> {
  const { name } = form;
  say();
  const flags = await data.generate(name);
  if (name !== form.name) return;
  if (name === library.FOLDER) form.propose(await data.propose());
  form.setFlags(flags);
}

async function takeData(source: FileSource): Promise<void> {
  say();
  // If the experiment reads no files, the files are for an experiment on the user's own files.
  const own = !form.readsFiles || form.name === library.FOLDER;
  // Files without samples are refused here, before they replace those that are there.
  const proposal = own ? await data.propose(source) : undefined;
  data.take(source);
  if (!proposal) return;
  form.name = library.FOLDER;
  form.propose(proposal);
}

function showExperiment(): void {
  data.show(form.name, form.readsFiles).catch((error: Error) => say("bad", sentence(error.message)));
  showPastRuns().catch(() => {
    // Without storage, there are no earlier runs.
  });
}

/** Files that are chosen or dropped: a saved run, or a data set. */
function acceptFiles(): void {
  const take = async (found: Promise<FileSource> | FileSource) => {
    const source = await found;
    const [file] = source.files.values();
    const isRun = source.files.size === 1 && file instanceof File && file.name.endsWith(".zip");
    if (starting || page.state === "running")
      throw new Error("A run is in progress: pause it before you open something else.");
    if (!isRun) return await takeData(source);
    endJob();
    await openRunFile(file);
  };
  for (const id of ["open-file", "open-folder"]) {
    const input = byId<HTMLInputElement>(id);
    const takeChosen = () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      if (files.length > 0) void saying(() => take(library.FileSource.fromInput(files)));
    };
    input.addEventListener("change", takeChosen);
    // Someone may have chosen files before the library had arrived.
    takeChosen();
  }
  acceptDrops(({ items }) => void saying(() => take(library.FileSource.fromDrop(items))));
}

function say(kind?: "bad" | "warn", text?: string): void {
  byId("message").replaceChildren(...(text ? [element("p", { className: `notice ${kind}` }, text)] : []));
}
