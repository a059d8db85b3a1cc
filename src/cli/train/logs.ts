// Where a run's numbers are logged: its own file of metrics, one for TensorBoard, and on request Weights & Biases.

import { JsonLinesLogger, type LogEntry, type Logger } from "../../index.ts";
import type { RunFolder } from "../files/run-folder.ts";
import { EventLog } from "./event-log.ts";
import { WandbLogger } from "./wandb.ts";

export interface Logs {
  logger: Logger;
  /** Runs `work`; the logs end with it. */
  around<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** @param useWandb whether numbers also go to Weights & Biases, with this config */
export async function openLogs(
  folder: RunFolder,
  { useWandb, config }: { useWandb: boolean; config: Record<string, unknown> },
): Promise<Logs> {
  const lines = new JsonLinesLogger((line) => folder.log(line));
  const { step, entries: before } = folder;
  const events = new EventLog(folder.folder, step);
  const wandb = useWandb ? await WandbLogger.begin({ id: folder.id, name: folder.name, config }) : undefined;
  // Its run starts from the beginning in each call.
  for (const entry of before) wandb?.log(entry);
  const log = async (entry: LogEntry) => {
    await lines.log(entry);
    events.log(entry);
    wandb?.log(entry);
  };
  return {
    logger: { log },
    async around(work) {
      try {
        const result = await work();
        await wandb?.finish(0);
        return result;
      } catch (error) {
        await wandb?.finish(1);
        throw error;
      }
    },
  };
}
