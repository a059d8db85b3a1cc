// The config of an experiment on the user's own files: YAML as `erwin init` writes it, and controls for its most important fields.
// The text is the config; the controls edit it.

import type { Experiment } from "erwin/experiments";
import { type Document, isMap, parseDocument, stringify } from "yaml";
import { byId, element } from "../shared/dom.ts";

type Library = typeof import("erwin/experiments");
type Part = "inputs" | "targets" | "globals";

const UNUSED = "unused";
const parts: readonly Part[] = ["inputs", "targets", "globals"];
const uses: Readonly<Record<string, string>> = {
  inputs: "known",
  targets: "to predict",
  globals: "known",
  [UNUSED]: "not used",
};

interface Choice {
  title: string;
  way: string[];
  values: Readonly<Record<string, unknown>>;
}

const choices: readonly Choice[] = [
  {
    title: "Graph",
    way: ["graph"],
    values: { "the cells' sides": "mesh", "8 nearest points": { kind: "knn", k: 8 }, none: "none" },
  },
  {
    title: "Loss",
    way: ["loss"],
    values: { "mean square": "mse", "relative L2": "relative_l2", "Gaussian likelihood": "gaussian" },
  },
  { title: "Model", way: ["model", "size"], values: { small: "small", medium: "medium", large: "large" } },
  {
    title: "Random rotation",
    way: ["augmentation", "rotation"],
    values: { none: "none", "about x": "x", "about y": "y", "about z": "z", any: "all" },
  },
];

const text = byId<HTMLTextAreaElement>("folder-config");

export class FolderForm {
  readonly #library: Library;
  readonly #onChange: () => void;
  #config: Document = parseDocument("");
  #experiment: Experiment | undefined;
  #problem = "Open your files, or drop them on the page: a config for them is proposed then.";
  /** Arrays that were removed from the config, and can be put back. */
  readonly #unused = new Map<string, { part: Part; options: unknown }>();

  /** @param onChange is called after a change of the config */
  constructor(library: Library, onChange: () => void) {
    this.#library = library;
    this.#onChange = onChange;
    // The event is handled at once: later, the update would remove the field that is clicked next.
    text.addEventListener("input", () => {
      this.#read();
      onChange();
    });
  }

  /** The experiment; undefined if there is no config, or it is not valid. */
  get experiment(): Experiment | undefined {
    return this.#experiment;
  }

  /** @throws Error that says what is wrong with it */
  get config(): unknown {
    if (!this.#experiment) throw new Error(this.#problem);
    return this.#config.toJS();
  }

  /**
   * @param config in YAML, or as an object, for which the text keeps its comments if it says the same
   * @param leftOut arrays of the files that cannot be read, by name, and why
   */
  show(config: unknown, leftOut: ReadonlyMap<string, string> = new Map()): void {
    const written = typeof config === "string" ? config : stringify(config);
    if (written !== config && this.#experiment && written === stringify(this.#config.toJS())) return;
    text.value = written;
    this.#unused.clear();
    const reasons = [...leftOut].map(([name, reason]) => element("li", {}, `${name} (${reason})`));
    byId("folder-left-out-list").replaceChildren(...reasons);
    byId("folder-left-out").hidden = reasons.length === 0;
    this.#read();
  }

  #read(): void {
    this.#config = parseDocument(text.value);
    this.#experiment = undefined;
    try {
      const [error] = this.#config.errors;
      if (error) throw error;
      this.#experiment = this.#library.folderExperiment(this.#config.toJS());
    } catch (error) {
      this.#problem = `The config cannot be used: ${(error as Error).message}`;
    }
    byId("folder-problem").textContent = this.#experiment ? "" : this.#problem;
    this.#showControls();
  }

  #showControls(): void {
    const fields = parts.flatMap((part) => this.#namesIn(part).map((name) => this.#useControl(name, part, part)));
    const unused = [...this.#unused].map(([name, { part }]) => this.#useControl(name, part, UNUSED));
    byId("folder-fields").replaceChildren(...fields, ...unused);
    byId("folder-choices").replaceChildren(...choices.map((choice) => this.#choiceControl(choice)));
    byId("folder").hidden = text.value === "";
  }

  #namesIn(part: Part): string[] {
    const node = this.#config.get(part, true);
    return isMap(node) ? node.items.map(({ key }) => String(key)) : [];
  }

  #useControl(name: string, part: Part, use: string): HTMLElement {
    const offered = part === "globals" ? ["globals", UNUSED] : ["inputs", "targets", UNUSED];
    const select = element(
      "select",
      { id: `use-${name}` },
      ...offered.map((value) => element("option", { value }, uses[value])),
    );
    select.value = use;
    select.addEventListener("change", () => this.#use(name, use, select.value, part));
    const whole = part === "globals" ? " (of the whole)" : "";
    return element("div", { className: "field" }, element("label", { htmlFor: select.id }, `${name}${whole}`), select);
  }

  #use(name: string, from: string, to: string, part: Part): void {
    const options = from === UNUSED ? this.#unused.get(name)?.options : this.#config.getIn([from, name], true);
    if (from === UNUSED) this.#unused.delete(name);
    else this.#config.deleteIn([from, name]);
    if (to === UNUSED) this.#unused.set(name, { part, options });
    else {
      if (!isMap(this.#config.get(to, true))) this.#config.set(to, this.#config.createNode({}));
      this.#config.setIn([to, name], options ?? {});
    }
    this.#write(`use-${name}`);
  }

  #choiceControl({ title, way, values }: Choice): HTMLElement {
    const id = `folder-${way[0]}`;
    const now = JSON.stringify(this.#valueAt(way));
    const known = Object.entries(values).map(([label, value]) => [label, JSON.stringify(value)] as const);
    // A key without a value has its default.
    const written = now === undefined ? ["the default", "null"] : ["as written", now];
    const given = known.some(([, value]) => value === now) ? [] : [written];
    const select = element(
      "select",
      { id },
      ...[...given, ...known].map(([label, value]) => element("option", { value }, label)),
    );
    select.value = now ?? "null";
    select.addEventListener("change", () => {
      const [part] = way;
      if (way.length > 1 && !isMap(this.#config.get(part, true))) this.#config.set(part, this.#config.createNode({}));
      this.#config.setIn(way, JSON.parse(select.value));
      this.#write(id);
    });
    return element("div", { className: "field" }, element("label", { htmlFor: id }, title), select);
  }

  #valueAt(way: readonly string[]): unknown {
    const whole = this.#config.toJS() as unknown;
    return way.reduce<unknown>((value, key) => {
      // `model: small` is short for `model: {size: small}`.
      if (key === "size" && typeof value === "string") return value;
      return (value as Record<string, unknown> | null | undefined)?.[key];
    }, whole);
  }

  /** @param focus the control that was used, which is created anew */
  #write(focus: string): void {
    text.value = this.#config.toString({ lineWidth: 0 });
    this.#read();
    document.getElementById(focus)?.focus();
    this.#onChange();
  }
}
