// The worker behind src/experiments/loading/workers.ts: makes batches of an experiment's samples for a training in another thread.

import { expose, type Remote } from "comlink";
import { cpuDryRun } from "../src/backends/cpu/dry-run.ts";
import { buildInPlace } from "../src/balltree/index.ts";
import { ConfigError } from "../src/errors.ts";
import { replacingBad } from "../src/experiments/bad-samples.ts";
import type { DataSource } from "../src/experiments/data-source.ts";
import type { BadSample } from "../src/experiments/experiment.ts";
import { experimentOf } from "../src/experiments/index.ts";
import {
  type BatchSetup,
  type BatchWorker,
  GREETING,
  type MadeBatch,
  type SharedSource,
} from "../src/experiments/loading/protocol.ts";
import { type GivenAssets, takeAssets } from "../src/host/given-assets.ts";
import { SIGN_OF_LIFE, sendSigns } from "../src/host/silence.ts";
import { type Limits, setLimits } from "../src/limits.ts";
import { type BatchRequest, loadBatch } from "../src/train/data/loading.ts";
import type { DataSet, Task } from "../src/train/task.ts";
import { keepErrorClasses } from "../src/worker/errors.ts";
import { packed } from "../src/worker/transfer.ts";
import { ownerEndpoint } from "./owner.ts";

class BatchServer implements BatchWorker {
  #task: Task<unknown, unknown> | undefined;
  #data: DataSet<unknown> | undefined;
  #bad: BadSample[] = [];

  async open(
    { name, metadata, options, list, info, sourceName, skipBad }: BatchSetup,
    assets: GivenAssets,
    limits: Limits,
    files?: Remote<SharedSource>,
  ): Promise<void> {
    takeAssets(assets);
    setLimits(limits);
    const experiment = experimentOf(name, metadata, name, { list });
    if (!experiment) throw new ConfigError(`there is no experiment ${name}`, { field: "name" });
    // The training's own thread has already reported the damaged samples that are found here.
    const onBad = skipBad ? () => {} : undefined;
    const source = files && remoteSource(sourceName, files);
    const data = await experiment.load("train", options, source, onBad);
    if (!data) throw new ConfigError(`${name} has no samples to train on`, { field: "train" });
    this.#data = skipBad ? replacingBad(data, (bad) => this.#bad.push(bad)) : data;
    const device = cpuDryRun({ info, threads: 1 });
    const model = experiment.build(JSON.parse(metadata.config) as Record<string, unknown>).initialize({ device });
    model.train();
    this.#task = experiment.task(model, options);
  }

  async make(request: BatchRequest): Promise<MadeBatch> {
    const batch = await loadBatch(this.#data!, this.#task!, request);
    return packed({ batch, bad: this.#bad.splice(0) }, true, "batch");
  }

  beat(): void {}
}

function remoteSource(name: string, files: Remote<SharedSource>): DataSource {
  return {
    name,
    list: (folder) => files.list(folder),
    read: (path, range) => files.read(path, range),
    size: (path) => files.size(path),
  };
}

keepErrorClasses();
buildInPlace();
const owner = ownerEndpoint();
expose(new BatchServer(), owner);
sendSigns(() => owner.postMessage(SIGN_OF_LIFE));
owner.postMessage(GREETING);
