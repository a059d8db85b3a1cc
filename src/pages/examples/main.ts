// The page of examples: runs the requested ones, one at a time, and shows what they print.

import "./examples.css";
import { element } from "../shared/dom.ts";
import { startEngineWorker } from "../shared/engine-worker.ts";
import { startPage } from "../shared/page.ts";
import { reasonOf } from "../shared/reason.ts";
import { saveFile } from "../shared/save.ts";
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
    const { site, stop } = await startEngineWorker(workerUrl, "example");
    const order: RunOrder = { type: "run", example: card.dataset.example! };
    site.worker.postMessage(order);
    const ended = new Promise<void>((resolve, reject) => {
      site.onMessage((message: FromWorker) => {
        if (message.type === "printed") show(message.line);
        else if (message.type === "file") show(`${message.name}: `, saveButton(message.name, message.bytes));
        else if (message.type === "failed") reject(new Error(message.message));
        else resolve();
      });
    });
    await site.until(ended).finally(stop);
    page.state = "done";
    show("Done.");
  } catch (error) {
    page.state = "failed";
    page.error = reasonOf(error);
    show(`Failed: ${page.error}`);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

const saveButton = (name: string, bytes: Uint8Array<ArrayBuffer>) =>
  element(
    "button",
    { type: "button", className: "button", onclick: () => saveFile(new Blob([bytes]), name) },
    "save it",
  );
