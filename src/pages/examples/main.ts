// The page of examples: runs the requested ones, one at a time, and shows what they print.

import "./examples.css";
import { element } from "../shared/dom.ts";
import { startEngineWorker } from "../shared/engine-worker.ts";
import { startPage } from "../shared/page.ts";
import type { FromWorker, RunOrder } from "./protocol.ts";
import workerUrl from "./worker.ts?worker&url";

const page = await startPage();
const cards = [...document.querySelectorAll<HTMLElement>(".example")];
const buttons = cards.map((card) => card.querySelector("button")!);

cards.forEach((card, i) => buttons[i]!.addEventListener("click", () => void run(card)));

async function run(card: HTMLElement): Promise<void> {
  const printed = card.querySelector("output")!;
  const show = (...what: (Node | string)[]) => printed.append(element("div", {}, ...what));
  printed.hidden = false;
  printed.replaceChildren();
  show("Running.");
  page.state = "running";
  page.error = undefined;
  for (const button of buttons) button.disabled = true;
  try {
    const { worker, stop } = await startEngineWorker(workerUrl);
    const order: RunOrder = { type: "run", example: card.dataset.example! };
    worker.postMessage(order);
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener("error", ({ message }) =>
        reject(new Error(message || "the worker could not be started")),
      );
      worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
        if (data.type === "printed") show(data.line);
        else if (data.type === "file") show(`${data.name}: `, downloadOf(data.name, data.bytes));
        else if (data.type === "failed") reject(new Error(data.message));
        else resolve();
      });
    }).finally(stop);
    page.state = "done";
    show("Done.");
  } catch (error) {
    page.state = "failed";
    page.error = (error as Error).message;
    show(`Failed: ${page.error}`);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

const downloadOf = (download: string, bytes: Uint8Array<ArrayBuffer>) =>
  element("a", { href: URL.createObjectURL(new Blob([bytes])), download }, "save it");
