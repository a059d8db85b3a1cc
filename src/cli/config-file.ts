// Configs from files: JSON, or YAML, of which JSON is a part.

import { FormatError } from "../errors.ts";
import { readBytes } from "./files.ts";

/** What a config file holds. */
export interface ConfigFile {
  value: Record<string, unknown>;
  /** The line, from 1 on, of a key by the way to it: "training.lr"; undefined where it is not there. */
  lineOf(path: string): number | undefined;
}

/**
 * Reads fields by name.
 * @throws FormatError for a file that is neither, naming the line, or that holds anything but fields by name
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const text = new TextDecoder().decode(readBytes(path));
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [problem] = document.errors;
  if (problem) {
    throw new FormatError(`${path}: neither JSON nor YAML: ${problem.message.split(":\n")[0]}`, { file: path });
  }
  const value: unknown = document.toJS();
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

/** A node of YAML, as far as it matters here: a map has pairs, a list has nodes. */
interface Node {
  items?: readonly (Node | { key: Node & { value?: unknown }; value: Node | null })[];
  range?: readonly number[] | null;
}

/** Where a key begins; of an entry of a list, where that begins. Keys may have dots in them. */
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
