// Reads configs from files in YAML, which includes JSON.

import { FormatError } from "../../errors.ts";
import { yamlProblem } from "../../experiments/folder/yaml.ts";
import { textOf } from "../../formats/bytes/utf16.ts";
import { readBytes } from "../files/files.ts";

/** The contents of a config file. */
export interface ConfigFile {
  value: Record<string, unknown>;
  /** Returns the line (from 1 on) of the key with a path such as "training.lr"; undefined if there is no such key. */
  lineOf(path: string): number | undefined;
}

/**
 * Reads a file of fields by name.
 * @throws FormatError for a file in another format, with the line, or whose contents are not fields by name
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const text = textOf(readBytes(path));
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  let value: unknown;
  try {
    if (document.errors.length > 0) throw document.errors[0];
    value = document.toJS();
  } catch (cause) {
    throw new FormatError(`${path}: neither JSON nor YAML: ${yamlProblem(cause)}`, { file: path }, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormatError(`${path}: expected fields by name, such as {"rotate": 45}`, { file: path });
  }
  return {
    value: value as Record<string, unknown>,
    lineOf(way) {
      const offset = offsetOf(document.contents, way);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

/** The part of a YAML node that is used here: a map has pairs, a list has nodes. */
interface Node {
  items?: readonly (Node | { key: Node & { value?: unknown }; value: Node | null })[];
  range?: readonly number[] | null;
}

/** Returns the offset of a key, or of an entry in a list. Keys may contain dots. */
function offsetOf(node: unknown, way: string): number | undefined {
  const { items = [] } = (node ?? {}) as Node;
  for (const [i, item] of items.entries()) {
    const isPair = "key" in item;
    const name = isPair ? String(item.key.value) : String(i);
    const own = (isPair ? item.key : item).range?.[0];
    if (way === name) return own;
    if (!way.startsWith(`${name}.`)) continue;
    return offsetOf(isPair ? item.value : item, way.slice(name.length + 1)) ?? own;
  }
  return undefined;
}
