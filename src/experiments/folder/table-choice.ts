// What a config says of the table that lies beside the samples.

import { isMapping, Section, wrongValue } from "./section.ts";

/** A table with a row for each sample. */
export interface TableChoice {
  /** Its path in the folder of the samples. */
  readonly file: string;
  /** The column that names the samples; by default the first. */
  readonly key?: string;
}

/**
 * Reads `table: params.csv`, or `table: {file: params.csv, key: case}`; undefined without one.
 * @throws ConfigError
 */
export function readTableChoice(all: Section): TableChoice | undefined {
  const value = all.get("table");
  if (!isMapping(value)) {
    const file = all.text("table");
    return file === undefined ? undefined : { file: pathIn(file) };
  }
  const section = new Section(value, all.pathTo("table"), ["file", "key"]);
  const [file, key] = [section.text("file"), section.text("key")];
  if (file === undefined)
    throw wrongValue(section.pathTo("file"), "the table's path in the folder of the samples", undefined);
  return { file: pathIn(file), ...(key !== undefined && { key }) };
}

const pathIn = (file: string) => file.replaceAll("\\", "/").replace(/^(\.\/)+/, "");
