// The form of a run: what an experiment declares as its options, as fields.

import type { Experiment, Option } from "erwin/experiments";
import { byId, element } from "../shared/dom.ts";
import type { RunConfig } from "./saved-run.ts";

type Library = typeof import("erwin/experiments");
type Field = HTMLInputElement | HTMLSelectElement;

/** Those that need nothing else come first. */
const FIRST = ["overfit", "farthest"];
/** What most people change; all others are folded away. */
const COMMON = ["steps", "batchSize", "lr", "seed"];
const TITLES: Readonly<Record<string, string>> = { lr: "Learning rate", minLr: "Final learning rate" };

export class Form {
  readonly #library: Library;
  readonly #experiment = byId<HTMLSelectElement>("experiment");
  readonly #backend = byId<HTMLSelectElement>("backend");
  readonly #fields = new Map<string, Field>();

  /** @param onChange hears of another experiment */
  constructor(library: Library, onChange: () => void) {
    this.#library = library;
    const names = Object.keys(library.experiments);
    const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
    names.sort((a, b) => rank(a) - rank(b));
    this.#experiment.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    if (!("gpu" in navigator)) this.#backend.value = "cpu";
    this.#experiment.addEventListener("change", () => {
      this.#showOptions({});
      onChange();
    });
    this.#showOptions({});
  }

  get experiment(): Experiment {
    return this.#library.experiments[this.#experiment.value]!;
  }

  /** @throws Error naming a field and what it may be */
  get config(): RunConfig {
    const options: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(this.experiment.options)) {
      const field = this.#fields.get(name)!;
      const text = field instanceof HTMLInputElement && field.type === "checkbox" ? onOff(field.checked) : field.value;
      const value = this.#library.parseOption(option, text);
      if (value === undefined && !(text === "" && option.default === undefined)) {
        field.focus();
        throw new Error(`${titleOf(name)} must be ${this.#library.expectedOf(option)}.`);
      }
      options[name] = value;
    }
    return {
      experiment: this.#experiment.value,
      backend: this.#backend.value as RunConfig["backend"],
      options,
    };
  }

  /** Fills the form as a run was begun. */
  show({ experiment, backend, options }: RunConfig): void {
    this.#experiment.value = experiment;
    this.#backend.value = backend;
    this.#showOptions(options);
  }

  /** Fills the form from the page's address: `?experiment=overfit&backend=cpu&steps=20`; what it cannot be is left out. */
  showQuery(query: URLSearchParams): void {
    const experiment = query.get("experiment");
    if (experiment !== null && Object.hasOwn(this.#library.experiments, experiment))
      this.#experiment.value = experiment;
    const backend = query.get("backend");
    if (backend === "cpu" || backend === "webgpu") this.#backend.value = backend;
    const options = Object.entries(this.experiment.options).map(([name, option]) => [
      name,
      this.#library.parseOption(option, query.get(name) ?? ""),
    ]);
    this.#showOptions(Object.fromEntries(options));
  }

  #showOptions(given: Readonly<Record<string, unknown>>): void {
    const { summary, options } = this.experiment;
    byId("summary").textContent = `${summary[0]!.toUpperCase()}${summary.slice(1)}.`;
    this.#fields.clear();
    const rows = (names: readonly string[]) =>
      names.map((name) => {
        const option = options[name]!;
        const field = fieldOf(name, option, given[name] ?? option.default);
        this.#fields.set(name, field);
        return labelled(name, option, field);
      });
    byId("common-options").replaceChildren(...rows(COMMON));
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

const onOff = (on: boolean) => (on ? "on" : "off");
