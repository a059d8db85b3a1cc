// The curves of earlier runs, which the browser keeps where it allows storage.

import type { LogEntry } from "erwin";
import { byId } from "../shared/dom.ts";
import { pastRun } from "./curves.ts";
import type { ProgressView } from "./progress-view.ts";
import { RunStore } from "./run-store.ts";
import type { RunConfig } from "./saved-run.ts";

/** Keeps the curve of a run, before another replaces it. */
export async function rememberRun(run: RunConfig | undefined, entries: readonly LogEntry[]): Promise<void> {
  if (!run || entries.length <= 1) return;
  try {
    await (await RunStore.open()).addPastRun(pastRun(run, entries));
  } catch {
    // Without storage there are no earlier runs, which must not keep the next from its start.
  }
}

/** Shows the earlier runs of an experiment behind the one that is shown. */
export async function showPastRuns(view: ProgressView, experiment: string): Promise<void> {
  // Without storage, or where it is damaged, there are none.
  const runs = await RunStore.open()
    .then((store) => store.pastRuns())
    .catch(() => []);
  const same = runs.filter((run) => run.experiment === experiment);
  view.showPast(same);
  byId("forget").hidden = same.length === 0;
}

export async function forgetPastRuns(): Promise<void> {
  await (await RunStore.open()).forgetPastRuns();
}
