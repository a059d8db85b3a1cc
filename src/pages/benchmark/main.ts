// The benchmark page: runs the suite, shows results, and puts those of others beside them.

import type { BenchResult } from "erwin/bench";
import { readBlob } from "../../experiments/sources/files.ts";
import { byId } from "../shared/dom.ts";
import { acceptDrops } from "../shared/drop.ts";
import { count, duration, sentence } from "../shared/format.ts";
import { say } from "../shared/message.ts";
import { startPage } from "../shared/page.ts";
import { reasonOf } from "../shared/reason.ts";
import { saveFile } from "../shared/save.ts";
import { Charts, showAll } from "./all-view.ts";
import { readCommitted } from "./committed.ts";
import { type Entry, entryOf, readEntry } from "./entry.ts";
import { nameGpus } from "./graphics.ts";
import { linkTo, readLink } from "./link.ts";
import { markdown } from "./markdown.ts";
import { published } from "./published.ts";
import { showResult } from "./result-view.ts";
import { Run } from "./run.ts";
import { type Score, scoreOf } from "./score.ts";
import "../shared/choice.css";
import "./benchmark.css";

const runButton = byId<HTMLButtonElement>("run");
const cancelButton = byId<HTMLButtonElement>("cancel");
const quick = byId<HTMLInputElement>("quick");
quick.checked = new URLSearchParams(location.search).has("quick");

/** A hundred times the size of the largest results. */
const MAX_RESULT_BYTES = 2 ** 24;

/** The result that is shown, and those that were opened for comparison. */
let shown: Entry | undefined;
let opened: Entry[] = [];
let committed: readonly Entry[] = [];
let reference: Entry | undefined;
const charts = new Charts();

const page = await startPage();
showHint();
quick.addEventListener("change", showHint);
runButton.addEventListener("click", run);
byId("download").addEventListener("click", download);
byId("copy-markdown").addEventListener("click", () =>
  copy(markdown(shown!, score(shown!)), "Markdown is in the clipboard."),
);
byId("copy-link").addEventListener("click", copyLink);
byId<HTMLInputElement>("open-file").addEventListener("change", ({ currentTarget }) => {
  const input = currentTarget as HTMLInputElement;
  void openFiles([...(input.files ?? [])]).finally(() => (input.value = ""));
});
acceptDrops(({ files }) => void openFiles([...files]));
addEventListener("hashchange", openLink);
await openLink();
({ entries: committed, reference } = await readCommitted());
show();

function showHint(): void {
  const threads = crossOriginIsolated ? "" : " This page is not cross-origin isolated: one thread only.";
  byId("hint").textContent =
    `${quick.checked ? "Takes one to three minutes." : "Takes up to fifteen minutes; leave the page open."}${threads}`;
}

async function run(): Promise<void> {
  setRunning(true);
  say();
  let partial: BenchResult | undefined;
  const job = new Run(quick.checked, {
    onProgress: ({ what, done, secondsLeft }) => {
      byId<HTMLProgressElement>("progress").value = done;
      byId("progress-what").textContent = what;
      byId("progress-left").textContent = secondsLeft === undefined ? "" : `about ${duration(secondsLeft)} left`;
    },
    onPartial: (result) => (partial = result),
  });
  const cancel = () => job.cancel();
  cancelButton.addEventListener("click", cancel);
  try {
    const result = await job.result;
    keep(result ?? partial);
    page.state = result ? "done" : "cancelled";
    if (result) reportProblems(result);
    else say("warn", partial ? "Cancelled. What had been measured until then is below." : "Cancelled.");
  } catch (error) {
    keep(partial);
    page.state = "failed";
    page.error = reasonOf(error);
    say(
      "bad",
      `${sentence(page.error)}${partial ? " What had been measured until then is below." : ""} “Run benchmark” tries again.`,
    );
  } finally {
    cancelButton.removeEventListener("click", cancel);
    setRunning(false);
    (shown ? byId("result-title") : runButton).focus({ preventScroll: true });
  }
}

function setRunning(running: boolean): void {
  runButton.hidden = running;
  quick.disabled = running;
  cancelButton.hidden = !running;
  byId("progress-box").hidden = !running;
  byId<HTMLProgressElement>("progress").value = 0;
  byId("progress-what").textContent = "loading the engine";
  byId("progress-left").textContent = "";
  if (running) {
    page.state = "running";
    page.error = undefined;
    cancelButton.focus();
  }
}

/** Shows a result as that of this device. */
function keep(result: BenchResult | undefined): void {
  if (!result) return;
  const named = nameGpus(result);
  page.result = named;
  if (shown && shown.origin !== "this") opened = [shown, ...opened];
  shown = entryOf(named, "this", "this");
  show();
}

function reportProblems({ devices = [], rounds }: BenchResult): void {
  const wrong = devices.filter(({ answer }) => answer && !answer.right);
  const lost = devices.filter(({ note }) => note?.includes("lost"));
  if (wrong.length > 0)
    say(
      "bad",
      `${wrong.map(({ name }) => name).join(", ")} computed a known answer wrongly: such figures mean nothing.`,
    );
  else if (lost.length > 0)
    say("warn", `A device was lost meanwhile (${lost.map(({ name }) => name).join(", ")}); what was measured is kept.`);
  else if (rounds?.void) say("warn", `${rounds.void} rounds were disturbed and measured again.`);
}

function score(entry: Entry): Score | undefined {
  return reference && scoreOf(entry, reference);
}

function show(): void {
  const others = [...opened, ...committed, ...published];
  if (shown) showResult(shown, score(shown), reference, opened);
  const all = shown ? [shown, ...others] : others;
  showAll(all, shown);
  charts.show(all);
}

function download(): void {
  const { result, title } = shown!;
  const blob = new Blob([`${JSON.stringify(result, null, 2)}\n`], { type: "application/json" });
  saveFile(blob, `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.json`);
}

async function copyLink(): Promise<void> {
  const link = await linkTo(shown!);
  history.replaceState(history.state, "", link);
  await copy(
    link,
    `The link is in the clipboard, and in the address bar: ${link.length} characters that hold the whole result.`,
  );
}

async function copy(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    byId("copied").textContent = done;
  } catch {
    byId("copied").textContent = "The browser does not allow copying here.";
  }
}

async function openLink(): Promise<void> {
  try {
    const entry = await readLink(location.hash);
    if (entry && entry.id !== shown?.id) open(entry);
  } catch (error) {
    say("bad", reasonOf(error));
  }
}

async function openFiles(files: readonly File[]): Promise<void> {
  const problems: string[] = [];
  for (const file of files) {
    try {
      open(readEntry(await readText(file), file.name, "file"));
    } catch (error) {
      problems.push(reasonOf(error));
    }
  }
  if (problems.length > 0) say("bad", problems.join(" "));
  else say();
}

/** @throws Error that names the file if it cannot be read, or is much larger than any result */
async function readText(file: File): Promise<string> {
  if (file.size > MAX_RESULT_BYTES) {
    throw new Error(`${file.name} is no result of erwin bench: it has ${count(file.size)} bytes.`);
  }
  return new TextDecoder().decode(await readBlob(file, file.name));
}

/** Shows the first result that is opened, and opens further ones for comparison. */
function open(entry: Entry): void {
  if (shown) opened = [...opened.filter(({ id }) => id !== entry.id), entry];
  else {
    shown = entry;
    page.result = entry.result;
  }
  show();
}
