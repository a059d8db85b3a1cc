// The training page: starts a run, shows how it goes on, and lets it pause and resume.

import "../shared/task.css";
import "./train.css";
import type { LogEntry } from "erwin";
import { FormatError } from "../../errors.ts";
import { CONFIG_FILE } from "../../experiments/run-files.ts";
import { BEST_CHECKPOINT, LAST_CHECKPOINT } from "../../train/checkpoints/store.ts";
import { byId } from "../shared/dom.ts";
import { loadExperiments } from "../shared/experiments.ts";
import { count, figure, sentence } from "../shared/format.ts";
import { hasGpu } from "../shared/gpu.ts";
import { keepAwake } from "../shared/keep-awake.ts";
import { say, saying } from "../shared/message.ts";
import { bringIntoView } from "../shared/motion.ts";
import { startPage } from "../shared/page.ts";
import { PredictionView } from "../shared/prediction/view.ts";
import { reasonOf } from "../shared/reason.ts";
import { DataSet } from "./data-set.ts";
import { Form } from "./form.ts";
import { acceptInput } from "./input.ts";
import { Job } from "./job.ts";
import { KeptRun } from "./kept-run.ts";
import { forgetPastRuns, rememberRun, showPastRuns } from "./past-runs.ts";
import { PauseButton } from "./pause-button.ts";
import { ProgressView } from "./progress-view.ts";
import type { FromWorker } from "./protocol.ts";
import { checkRun, downloadRun, readRunFile } from "./run-file.ts";
import { RunLock } from "./run-lock.ts";
import { configFile, isCheckpointOf, lastStep, type RunConfig } from "./saved-run.ts";
import { ANOTHER_TAB, adviceFor, askedInVain, isOfKeptRun, needsData, OTHER_RUN, UNKEPT } from "./texts.ts";

const startButton = byId<HTMLButtonElement>("start");
const resumeButton = byId<HTMLButtonElement>("resume");
const saveButton = byId<HTMLButtonElement>("save");
const settings = byId<HTMLFieldSetElement>("settings");

/** The run that is shown: the one under way, or that which is kept. */
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

const page = await startPage();
const gpu = hasGpu();
const library = await loadExperiments();
const view = new ProgressView();
const prediction = new PredictionView();
const lock = new RunLock(() => void saying(yieldRun));
const kept = new KeptRun(sayUnkept);
const pauseButton = new PauseButton(pause, () => void saying(endNow));
const data = new DataSet();
const form = new Form(library, await gpu, showExperiment);

await saying(showSaved);
const refused = location.search ? form.showQuery(new URLSearchParams(location.search)) : [];
if (refused.length > 0) say("warn", askedInVain(refused));
showExperiment();
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void prepare(start);
});
resumeButton.addEventListener("click", () => void prepare(resume));
saveButton.addEventListener("click", () => void saying(save));
byId("forget").addEventListener("click", () => void saying(forgetPastRuns).then(showExperiment));
document.addEventListener("visibilitychange", followVisibility);
addEventListener("beforeunload", (event) => {
  // The browser asks whether to leave: the steps since the last checkpoint would be lost, or all of the run.
  if (page.state === "running" || kept.endsWithPage) event.preventDefault();
  // Meanwhile there is time for a checkpoint, with which the run pauses; on a page that stays it then goes on.
  if (page.state === "running") job?.pause();
});
acceptInput(library, { form, data }, { openRun, expectIdle });
startButton.disabled = false;
if (!shown) byId("status").textContent = "Nothing has been trained yet.";

/** Starts or resumes a run, once however often it is clicked. */
async function prepare(action: () => Promise<void>): Promise<void> {
  if (starting) return;
  starting = true;
  await saying(action);
  bringIntoView(byId("progress-card"));
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
  await rememberRun(shown, entries);
  say();
  // Kept from the first moment on: who leaves before there is a checkpoint can go on from the beginning.
  await kept.replace({ [CONFIG_FILE]: configFile(config) });
  shown = config;
  entries = [];
  page.result = undefined;
  page.step = 0;
  page.loss = undefined;
  saveButton.disabled = true;
  prediction.show(undefined);
  showExperiment();
  begin(config);
}

/** Takes the run that is kept, to replace it. */
async function takeToReplace(): Promise<void> {
  if (!(await lock.take())) throw new Error(ANOTHER_TAB);
  await expectShown();
}

/** Shows the run that is kept. @throws Error if another was shown, so that what is done is not done to the wrong one */
async function expectShown(): Promise<void> {
  if (job || (await showsKept())) return;
  await showSaved(false);
  showExperiment();
  if (await showsKept()) throw new Error(OTHER_RUN);
}

/** Whether the run that is kept is shown; what cannot be read is no run. */
async function showsKept(): Promise<boolean> {
  try {
    const found = await kept.read();
    return !found || isCheckpointOf(found.run, entries);
  } catch {
    return true;
  }
}

async function resume(): Promise<void> {
  say();
  if (!(await lock.take())) throw new Error(ANOTHER_TAB);
  // Another tab may have continued the run, or started another, since it was shown here.
  const found = job ? undefined : await kept.read();
  if (found) ({ config: shown, entries } = found.run);
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
  begin(shown);
}

/** Trains the run that is kept; a worker that is there already goes on where it paused. */
function begin(config: RunConfig): void {
  wanted = "run";
  waitsForView = false;
  show("running", "Loading the engine and the samples.");
  page.error = undefined;
  const files = readsFiles(config) ? data.files : undefined;
  // A worker that is there has the run.
  const memory = job ? undefined : kept.memory;
  job ??= new Job(hear);
  letSleep();
  letSleep = keepAwake();
  job.train({ type: "train", config, files, memory });
  pauseButton.element.focus();
  if (document.hidden) followVisibility();
}

function pause(): void {
  wanted = "pause";
  pauseButton.wait();
  job?.pause();
}

/** Ends the run under way without waiting for its step, and shows what is kept of it. */
async function endNow(): Promise<void> {
  endJob();
  show("idle", "Ended before its first checkpoint: nothing of the run is kept.");
  await showSaved(false);
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
    if (wanted === "run") byId("status").textContent = "Training.";
  } else if (message.type === "entry") {
    entries.push(message.entry);
    showEntries();
  } else if (message.type === "preview") {
    prediction.show(message.preview);
  } else if (message.type === "recovered") {
    byId("device").textContent = message.device;
    byId("status").textContent = `Training. ${sentence(message.message)}`;
  } else if (message.type === "saved") {
    kept.memory = message.memory;
    saveButton.disabled = false;
  } else if (message.type === "refused") {
    sayUnkept(message.reason);
  } else if (message.type === "paused") {
    if (wanted === "run" && shown) begin(shown);
    else show("paused", `Paused after step ${count(page.step ?? 0)}. The run ${whereKept()}.`);
  } else if (message.type === "done") {
    page.result = message.result;
    const { test, step } = message.result;
    const tested = test?.loss === undefined ? "" : `; loss on the test split ${figure(test.loss)}`;
    endJob();
    show("done", `Done: ${count(step)} steps${tested}. The run ${whereKept()}; “Save run” downloads it.`);
  } else {
    page.error = message.message;
    endJob();
    const canResume = !saveButton.disabled && !isOfKeptRun(message);
    show("failed", `Stopped after step ${count(page.step ?? 0)}.`, canResume);
    const run = { canResume, readsFiles: shown !== undefined && readsFiles(shown) };
    say("bad", `${sentence(message.message)} ${adviceFor(message, run)}`);
  }
}

/** Another tab has the run now. */
async function yieldRun(): Promise<void> {
  endJob();
  show("idle", "");
  await showSaved(false);
  throw new Error(ANOTHER_TAB);
}

function endJob(): void {
  waitsForView = false;
  job?.end();
  job = undefined;
  lock.giveBack();
}

function readsFiles({ experiment }: RunConfig): boolean {
  return experiment === library.FOLDER || library.experiments[experiment]!.readsFiles;
}

/** Shows what the page is doing, by its buttons too. @param canResume whether a run that has failed can go on */
function show(state: typeof page.state, text: string, canResume = false): void {
  const running = state === "running";
  const hadFocus = [startButton, pauseButton.element, resumeButton].includes(
    document.activeElement as HTMLButtonElement,
  );
  settings.disabled = running;
  startButton.hidden = running;
  pauseButton.element.hidden = !running;
  pauseButton.reset();
  resumeButton.hidden = !(state === "paused" || (state === "failed" && canResume));
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

/** Shows the run that is kept, if there is one. @param inForm whether the form shows its options */
async function showSaved(inForm = true): Promise<void> {
  const found = await kept.read().catch((error: Error) => {
    if (error instanceof FormatError) throw error;
    sayUnkept(reasonOf(error));
  });
  if (!found || !library.experimentNames.includes(found.run.config.experiment)) return;
  const { run, files } = found;
  ({ config: shown, entries } = run);
  if (inForm) form.show(shown);
  // Of a run that was left before its first checkpoint it is known how it was begun, which is all that resuming it needs.
  saveButton.disabled = !files[LAST_CHECKPOINT];
  showEntries();
  const [step, steps] = [page.step ?? 0, shown.options.steps as number];
  const where = `A run of ${shown.experiment} ${whereKept()}: ${count(step)} of ${count(steps)} steps.`;
  // The last files of a run are its best weights.
  if (step === steps && files[BEST_CHECKPOINT]) show("idle", `${where} “Start” replaces it by a new one.`);
  else show("paused", `${where} “Resume” continues it, “Start” replaces it by a new one.`);
}

function whereKept(): string {
  return kept.memory ? "is on this page alone" : "is kept in this browser";
}

/** Says that the browser does not keep runs, and what to do. */
function sayUnkept(reason: string): void {
  say("warn", `${sentence(reason)} ${UNKEPT}`);
}

async function save(): Promise<void> {
  await expectShown();
  downloadRun(await kept.loadAll(), `erwin-${shown?.experiment ?? "run"}`);
  kept.wasDownloaded();
}

/** @throws Error if a run is under way, or about to be */
function expectIdle(): void {
  if (starting || page.state === "running")
    throw new Error("A run is in progress: pause it before you open something else.");
}

async function openRun(file: File): Promise<void> {
  endJob();
  const files = await readRunFile(file);
  await checkRun(files, file.name);
  await takeToReplace();
  try {
    await rememberRun(shown, entries);
    say();
    await kept.replace(files);
  } finally {
    lock.giveBack();
  }
  prediction.show(undefined);
  await showSaved();
  showExperiment();
}

function showExperiment(): void {
  data.show(form.name, form.readsFiles).catch((error: Error) => say("bad", sentence(error.message)));
  void showPastRuns(view, shown?.experiment ?? form.name);
}
