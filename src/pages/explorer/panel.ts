// The controls beside the stage, which show and change the settings.

import { byId, element } from "../shared/dom.ts";
import type { Controller, Shown } from "./controller.ts";
import { attentionHeads, ballSizes, maxLevels, type Settings, strides } from "./settings.ts";

type Names<Value> = { [Name in keyof Settings]: Settings[Name] extends Value ? Name : never }[keyof Settings];

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const selects: Readonly<Record<string, Names<number | string>>> = {
  "ball-size": "ballSize",
  stride: "stride",
  levels: "levels",
  blocks: "blocks",
  up: "up",
  graph: "graph",
  colour: "colour",
  show: "show",
  block: "block",
  head: "head",
};
const checks: Readonly<Record<string, Names<boolean>>> = { spheres: "spheres", apart: "apart", merged: "merged" };
const ranges: Readonly<Record<string, Names<number>>> = { level: "level", halvings: "halvings" };

/** @param controller receives the changes of controls */
export function connectControls(controller: Controller): void {
  const fill = (id: string, values: readonly number[]) => {
    byId(id).replaceChildren(...values.map((value) => element("option", { value: String(value) }, value)));
  };
  fill("ball-size", ballSizes);
  fill("stride", strides);
  fill("levels", numbers(1, maxLevels));
  fill("blocks", numbers(1, 6));
  const modelFile = byId<HTMLInputElement>("model-file");
  modelFile.addEventListener("change", () => {
    const [file] = modelFile.files ?? [];
    if (file) void controller.openModel(file);
    modelFile.value = "";
  });
  byId("close-model").addEventListener("click", () => void controller.openModel(undefined));
  const change = (name: keyof Settings, value: unknown) => void controller.change({ [name]: value });
  for (const [id, name] of Object.entries(selects)) {
    const select = byId<HTMLSelectElement>(id);
    const isNumber = typeof controller.settings[name] === "number";
    select.addEventListener("change", () => change(name, isNumber ? Number(select.value) : select.value));
  }
  for (const [id, name] of Object.entries(checks)) {
    const check = byId<HTMLInputElement>(id);
    check.addEventListener("change", () => change(name, check.checked));
  }
  for (const [id, name] of Object.entries(ranges)) {
    const range = byId<HTMLInputElement>(id);
    range.addEventListener("input", () => change(name, range.valueAsNumber));
  }
  for (const radio of document.querySelectorAll<HTMLInputElement>("[name=view]")) {
    radio.addEventListener("change", () => change("view", radio.value));
  }
  const rotate = byId<HTMLInputElement>("rotate");
  rotate.addEventListener("change", () => {
    const angle = Math.max(0, Math.min(90, Math.round(rotate.valueAsNumber || 0)));
    const { view } = controller.settings;
    void controller.change({ rotate: angle, view: angle > 0 && controller.settings.rotate === 0 ? "both" : view });
  });
  const point = byId<HTMLInputElement>("point");
  point.addEventListener("change", () => {
    const value = Math.trunc(point.valueAsNumber);
    change("point", value >= 0 && value < (controller.cloud?.points ?? 0) ? value : undefined);
  });
  byId("clear-point").addEventListener("click", () => change("point", undefined));
  byId("play-cuts").addEventListener("click", () => void playCuts(controller));
}

/** Milliseconds for which each cut is shown. */
const CUT_MS = 1100;

/** Shows the partitions one after the other, from the whole cloud to the balls, until the user shows something else. */
async function playCuts(controller: Controller): Promise<void> {
  const splits = Number(byId<HTMLInputElement>("halvings").max);
  for (let halvings = 0; halvings <= splits && !controller.isOpening; halvings++) {
    await controller.change({ colour: "splits", apart: true, halvings });
    const before = controller.settings;
    await new Promise((resolve) => setTimeout(resolve, CUT_MS));
    if (controller.settings.halvings !== halvings || controller.settings.colour !== before.colour) return;
  }
}

/** The cloud whose fields the controls offer. */
let offered: Shown["cloud"] | undefined;

/** Sets the controls to the shown settings. */
export function showSettings({ settings, cloud, tree, model }: Shown): void {
  if (cloud !== offered) fillColours(cloud.fields, cloud.clouds);
  offered = cloud;
  const blocks = Array.from({ length: model?.blocks[settings.level] ?? settings.blocks }, (_, block) => {
    const rotated = settings.rotate > 0 && block % 2 === 1;
    return element("option", { value: String(block) }, `${block}${rotated ? ", rotated" : ""}`);
  });
  byId("block").replaceChildren(...blocks);
  const heads = numbers(0, (model?.heads[settings.level] ?? attentionHeads) - 1);
  byId("head").replaceChildren(...heads.map((head) => element("option", { value: String(head) }, head)));
  byId("model-facts").textContent = model
    ? `Of ${model.name}, in the balls of its own tree.`
    : "Of a model with the weights it starts from (seed 0): nearness counts most.";
  byId("close-model").hidden = model === undefined;
  for (const id of ["ball-size", "stride", "levels", "rotate"])
    byId<HTMLSelectElement>(id).disabled = model !== undefined;
  byId("attention-fields").hidden = settings.show !== "attention";
  for (const [id, name] of Object.entries(selects)) byId<HTMLSelectElement>(id).value = String(settings[name]);
  for (const [id, name] of Object.entries(checks)) byId<HTMLInputElement>(id).checked = settings[name];
  byId<HTMLInputElement>("level").max = String(tree.levels.length - 1);
  byId<HTMLInputElement>("halvings").max = String(tree.splits);
  for (const [id, name] of Object.entries(ranges)) {
    byId<HTMLInputElement>(id).value = String(settings[name]);
    byId(`${id}-value`).textContent = String(settings[name]);
  }
  byId<HTMLInputElement>("rotate").value = String(settings.rotate);
  const point = byId<HTMLInputElement>("point");
  point.value = settings.point === undefined ? "" : String(settings.point);
  point.max = String(cloud.points - 1);
  showSample(settings.sample);
  byId<HTMLButtonElement>("clear-point").disabled = settings.point === undefined;
  const splits = settings.colour === "splits" && settings.point === undefined;
  byId("halvings-field").hidden = !splits;
  byId("level-field").hidden = splits;
  byId<HTMLSelectElement>("graph").querySelector<HTMLOptionElement>("[value=file]")!.hidden = !cloud.hasEdges;
  for (const radio of document.querySelectorAll<HTMLInputElement>("[name=view]")) {
    radio.checked = radio.value === settings.view;
    radio.disabled = settings.rotate === 0 && radio.value !== "tree";
  }
}

/** Shows which sample is open, "" for a file; undefined if nothing is. Any other can be picked then. */
export function showSample(sample: string | undefined): void {
  const select = byId<HTMLSelectElement>("sample");
  if (sample === undefined) select.selectedIndex = -1;
  else select.value = sample;
}

function fillColours(fields: readonly string[], clouds: number): void {
  const options = [
    element("option", { value: "balls" }, "Balls of a level"),
    element("option", { value: "splits" }, "Cuts from the root"),
    ...fields.map((field) => element("option", { value: `field:${field}` }, `Field: ${field}`)),
    ...(clouds > 1 ? [element("option", { value: "cloud" }, "Clouds of the batch")] : []),
    element("option", { value: "plain" }, "One colour"),
  ];
  byId("colour").replaceChildren(...options);
}
