// Trains in a worker, so that the page never waits. Each checkpoint is kept with the numbers up to it.

import type { CheckpointStore, ErwinError, LogEntry } from "erwin";
import type { ExperimentOptions, ExperimentRun } from "erwin/experiments";
import { CONFIG_FILE, METRICS_FILE } from "../../experiments/run-files.ts";
import { describeDevice } from "../shared/describe-device.ts";
import { takeEngine } from "../shared/engine-worker.ts";
import { reasonOf } from "../shared/reason.ts";
import { atFarewell } from "../shared/signs-of-life.ts";
import { KeptRun } from "./kept-run.ts";
import { Previewer } from "./previewer.ts";
import type { FromWorker, ToWorker, TrainOrder } from "./protocol.ts";
import { configFile, entriesFile, experimentOf, readEntries } from "./saved-run.ts";

/** All that stays the same while a run pauses and goes on. */
interface Opened {
  run: ExperimentRun;
  options: ExperimentOptions;
  store: CheckpointStore;
  entries: LogEntry[];
  previewer: Previewer;
}

const tell = (message: FromWorker) => postMessage(message);
const engine = takeEngine();
/** When there are first checkpoints, in seconds: who soon leaves the page loses little. Later `fit` makes one every 30 seconds. */
const EARLY_SECONDS = [1, 3, 10];

let opened: Promise<Opened> | undefined;
let pause = () => {};
/** Whether the page has ended the training: another one may have begun, whose checkpoints this one's would replace. */
let hasEnded = false;

atFarewell(() => {
  hasEnded = true;
  pause();
  opened?.then(
    ({ run }) => run.model.device.dispose(),
    () => {},
  );
});

addEventListener("message", ({ data }: MessageEvent<ToWorker | { type?: undefined }>) => {
  if (data.type === "pause") pause();
  else if (data.type === "train") void train(data);
});

async function train(order: TrainOrder): Promise<void> {
  const stop = new AbortController();
  pause = () => stop.abort();
  const timers: ReturnType<typeof setTimeout>[] = [];
  try {
    const { fit, FitController } = await engine;
    const { fitOptions } = await import("erwin/experiments");
    opened ??= open(order);
    const { run, options, store, entries, previewer } = await opened;
    const { model, task, trainData, validationData, testData } = run;
    tell({ type: "begun", device: describeDevice(model.device), entries });
    const controller = new FitController();
    timers.push(...EARLY_SECONDS.map((seconds) => setTimeout(() => controller.checkpoint(), 1000 * seconds)));
    const result = await fit({
      ...{ model, task, trainData, validationData, testData, store },
      ...fitOptions(options),
      // Of a short run the curve has a hundred points, too.
      logEvery: Math.min(options.logEvery, Math.ceil(options.steps / 100)),
      ...{ controller, signal: stop.signal },
      beforeStep: (step) => previewer.ifDue(step),
      logger: {
        log(entry) {
          entries.push(entry);
          tell({ type: "entry", entry });
        },
      },
      config: { experiment: order.config.experiment, ...model.metadata() },
      onRecovery: ({ device, message }) => tell({ type: "recovered", device: describeDevice(device), message }),
    });
    if (result.finished) await previewer.atEnd(result.step);
    tell(result.finished ? { type: "done", result } : { type: "paused" });
  } catch (error) {
    const { name = "Error", details } = (error ?? {}) as Partial<ErwinError>;
    tell({ type: "failed", name, message: reasonOf(error), file: details?.file as string | undefined });
  } finally {
    timers.forEach(clearTimeout);
  }
}

async function open({ config, files, memory }: TrainOrder): Promise<Opened> {
  const { requestDevice } = await engine;
  const { FileSource, openRun, resolveOptions } = await import("erwin/experiments");
  const kept = new KeptRun((reason) => tell({ type: "refused", reason }), memory);
  // A run that is resumed may have another device.
  const description = { [CONFIG_FILE]: configFile(config) };
  await kept.save(description);
  const entries = readEntries(await kept.load(METRICS_FILE));
  const store: CheckpointStore = {
    load: (name) => kept.load(name),
    async save(name, bytes) {
      if (hasEnded) return;
      // Someone may have deleted the site's data meanwhile.
      await kept.save({ ...description, [name]: bytes, [METRICS_FILE]: entriesFile(entries) });
      tell({ type: "saved", memory: kept.memory });
    },
  };
  const experiment = await experimentOf(config);
  const options = resolveOptions(experiment.options, config.options) as ExperimentOptions;
  const device = await requestDevice({ backend: config.backend });
  const source = files && new FileSource(new Map(files.map(({ path, file }) => [path, file])));
  const run = await openRun(config.experiment, experiment, { device, options, source });
  const previewer = new Previewer(experiment, run, options, (preview) => tell({ type: "preview", preview }));
  return { run, options, store, entries, previewer };
}
