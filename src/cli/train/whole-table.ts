// The table of what a model predicts for whole samples, such as their drag: a row for each, with the truth.

import type { PredictedField } from "../../experiments/experiment.ts";
import { predictionArrays } from "../../experiments/prediction.ts";
import { formatFloat32 } from "../../formats/bytes/text.ts";
import { quote } from "../../formats/clouds/csv.ts";
import type { Attribute } from "../../formats/clouds/positions.ts";

/** The table's file in the folder of predictions. */
export const WHOLE_FILE = "whole.csv";

export class WholeTable {
  #header: readonly string[] | undefined;
  readonly #rows: string[] = [];

  /** Adds a sample with its fields, of which those of the whole are taken: the truth, `prediction` and `error`, named as in other files. */
  add(sample: string, fields: readonly PredictedField[]): void {
    const whole = fields.filter(({ isWhole }) => isWhole).map(({ name }) => name);
    if (whole.length === 0) return;
    const arrays = predictionArrays(fields, { truth: true, wholeOnce: true });
    const names = whole.flatMap((name) =>
      [
        name,
        ...["prediction", "error", "deviation"].map((kind) => (fields.length === 1 ? kind : `${kind}_${name}`)),
      ].filter((column) => arrays.has(column)),
    );
    const columns = names.map((name) => [name, arrays.get(name) as Attribute] as const);
    this.#header ??= [
      "sample",
      ...columns.flatMap(([name, { channels }]) =>
        channels === 1 ? [name] : Array.from({ length: channels }, (_, i) => `${name}_${i}`),
      ),
    ];
    this.#rows.push([sample, ...columns.flatMap(([, values]) => cellsOf(values))].map(quote).join(","));
  }

  /** Returns the table; undefined if nothing of the whole was predicted. */
  bytes(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#header) return undefined;
    return new TextEncoder().encode(`${[this.#header.map(quote).join(","), ...this.#rows].join("\n")}\n`);
  }
}

/** Returns the first row of values, the labels of classes as texts. */
const cellsOf = ({ data, channels, labels }: Attribute): string[] =>
  Array.from({ length: channels }, (_, i) => {
    const value = data[i];
    if (labels) return String(labels.get(value) ?? "");
    return data instanceof Float32Array ? formatFloat32(value) : String(value);
  });
