// The form of a run: what an experiment declares as its options, as fields.

import type { Experiment, Option, Options } from "erwin/experiments";
import { byId, element } from "../shared/dom.ts";
import type { Proposal } from "./data-worker.ts";
import { FolderForm } from "./folder-form.ts";
import type { RunConfig } from "./saved-run.ts";

type Library = typeof import("erwin/experiments");
type Field = HTMLInputElement | HTMLSelectElement;

/** Those that need nothing else come first. */
const FIRST = ["overfit", "farthest"];
/** What most people change; all others are folded away. */
const COMMON = ["steps", "batchSize", "lr", "seed"];
/** The summary if there is no config. */
const OWN_FILES = "fields on the points of your own meshes and clouds";
const TITLES: Readonly<Record<string, string>> = {
  lr: "Learning rate",
  minLr: "Final learning rate",
  ema: "EMA decay",
};

export class Form {
  readonly #library: Library;
  readonly #experiment = byId<HTMLSelectElement>("experiment");
  readonly #backend = byId<HTMLSelectElement>("backend");
  readonly #fields = new Map<string, Field>();
  /** The default values of the fields. */
  readonly #defaults = new Map<string, string>();
  readonly #folder: FolderForm;

  /** @param hasGpu whether the GPU is chosen at first @param onChange hears of another experiment */
  constructor(library: Library, hasGpu: boolean, onChange: () => void) {
    this.#library = library;
    this.#folder = new FolderForm(library, () => this.#showOptions(this.#given));
    const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
    const names = [...library.experimentNames].sort((a, b) => rank(a) - rank(b));
    const titleFor = (name: string) => (name === library.FOLDER ? `${name}: your own files` : name);
    this.#experiment.replaceChildren(...names.map((name) => element("option", { value: name }, titleFor(name))));
    this.#backend.value = hasGpu ? "webgpu" : "cpu";
    this.#experiment.addEventListener("change", () => {
      this.#showOptions({});
      onChange();
    });
    this.#showOptions({});
  }

  /** The name of the chosen experiment. */
  get name(): string {
    return this.#experiment.value;
  }

  set name(name: string) {
    this.#experiment.value = name;
    this.#experiment.dispatchEvent(new Event("change"));
  }

  /** The chosen device. */
  get backend(): RunConfig["backend"] {
    return this.#backend.value as RunConfig["backend"];
  }

  get readsFiles(): boolean {
    return this.#isFolder || this.#library.experiments[this.name]!.readsFiles;
  }

  /** Shows the config for the user's own files, and which of their arrays it leaves out. */
  propose({ config, leftOut }: Proposal): void {
    this.#folder.show(config, leftOut);
    this.#showOptions({});
  }

  /** Sets options that are written as flags of the command line: "--steps 400 --batch-size 2". */
  setFlags(flags: string): void {
    for (const [, flag, value] of flags.matchAll(/--([a-z-]+) (\S+)/g)) {
      const name = flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const field = this.#fields.get(name);
      if (field) field.value = value;
    }
  }

  get #isFolder(): boolean {
    return this.name === this.#library.FOLDER;
  }

  /** The chosen experiment; undefined if the config for the user's own files is missing or invalid. */
  get #chosen(): Experiment | undefined {
    return this.#isFolder ? this.#folder.experiment : this.#library.experiments[this.name];
  }

  /** Returns the values that are not the defaults, as far as they are valid. */
  get #given(): Record<string, unknown> {
    const options: Options = this.#chosen?.options ?? {};
    const values = [...this.#fields].flatMap(([name, field]) => {
      const value = options[name] && this.#library.parseOption(options[name], textOf(field));
      return value === undefined || textOf(field) === this.#defaults.get(name) ? [] : [[name, value] as const];
    });
    return Object.fromEntries(values);
  }

  /** @throws Error that names a field and its allowed values, or says what is wrong with the config for the user's own files */
  get config(): RunConfig {
    const folder = this.#isFolder ? this.#folder.config : undefined;
    const options: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(this.#chosen!.options)) {
      const field = this.#fields.get(name)!;
      const text = textOf(field);
      const value = this.#library.parseOption(option, text);
      // The browser gives no text for what is no number.
      const isAbsent = text === "" && option.default === undefined && !field.validity.badInput;
      if (value === undefined && !isAbsent) {
        const folded = field.closest("details");
        if (folded) folded.open = true;
        field.focus();
        throw new Error(`${titleOf(name)} must be ${this.#library.expectedOf(option)}.`);
      }
      options[name] = value;
    }
    return {
      experiment: this.name,
      backend: this.backend,
      options,
      folder,
    };
  }

  /** Fills the form as a run was begun. */
  show({ experiment, backend, options, folder }: RunConfig): void {
    this.#experiment.value = experiment;
    this.#backend.value = backend;
    if (folder) this.#folder.show(folder);
    this.#showOptions(options);
  }

  /**
   * Fills the form from the page's address: `?experiment=overfit&backend=cpu&steps=20`.
   * @returns what it asks for and cannot have, such as "steps=many"
   */
  showQuery(query: URLSearchParams): string[] {
    const refused: string[] = [];
    const asked = <Value>(name: string, parse: (text: string) => Value | undefined): Value | undefined => {
      const text = query.get(name);
      const value = text === null ? undefined : parse(text);
      if (text !== null && value === undefined) refused.push(`${name}=${text}`);
      return value;
    };
    const oneOf = (names: readonly string[]) => (text: string) => (names.includes(text) ? text : undefined);
    this.#experiment.value = asked("experiment", oneOf(this.#library.experimentNames)) ?? this.name;
    this.#backend.value = asked("backend", oneOf(["cpu", "webgpu"])) ?? this.backend;
    const options = Object.entries(this.#chosen?.options ?? {}).map(([name, option]) => [
      name,
      asked(name, (text) => this.#library.parseOption(option, text)),
    ]);
    this.#showOptions(Object.fromEntries(options));
    return refused;
  }

  #showOptions(given: Readonly<Record<string, unknown>>): void {
    const { summary, options }: { summary: string; options: Options } = this.#chosen ?? {
      summary: OWN_FILES,
      options: {},
    };
    byId("summary").textContent = `${summary[0]!.toUpperCase()}${summary.slice(1)}.`;
    byId("folder-frame").hidden = !this.#isFolder;
    byId("more").hidden = this.#chosen === undefined;
    this.#fields.clear();
    this.#defaults.clear();
    const rows = (names: readonly string[]) =>
      names.map((name) => {
        const option = options[name]!;
        const field = fieldOf(name, option, given[name] ?? option.default);
        this.#fields.set(name, field);
        this.#defaults.set(name, textOf(fieldOf(name, option, option.default)));
        return labelled(name, option, field);
      });
    byId("common-options").replaceChildren(...rows(COMMON.filter((name) => Object.hasOwn(options, name))));
    byId("more-options").replaceChildren(...rows(Object.keys(options).filter((name) => !COMMON.includes(name))));
  }
}

function fieldOf(name: string, option: Option, value: unknown): Field {
  const id = `option-${name}`;
  if (option.type === "switch") return element("input", { id, type: "checkbox", checked: value as boolean });
  if (option.type === "choice") {
    const select = element("select", { id }, ...option.choices.map((choice) => element("option", {}, choice)));
    select.value = value as string;
    return select;
  }
  if (option.type === "number-or-word") return element("input", { id, type: "text", value: String(value ?? "") });
  const step = option.whole ? "1" : "any";
  return element("input", { id, type: "number", step, value: value === undefined ? "" : String(value) });
}

function labelled(name: string, { doc }: Option, field: Field): HTMLElement {
  const hint = `${field.id}-hint`;
  field.setAttribute("aria-describedby", hint);
  return element(
    "div",
    { className: "field" },
    element("label", { htmlFor: field.id }, titleOf(name)),
    field,
    element("span", { className: "muted small", id: hint }, doc),
  );
}

/** "Batch size" */
function titleOf(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return TITLES[name] ?? `${words[0]!.toUpperCase()}${words.slice(1)}`;
}

const textOf = (field: Field) =>
  field instanceof HTMLInputElement && field.type === "checkbox" ? onOff(field.checked) : field.value;
const onOff = (on: boolean) => (on ? "on" : "off");
