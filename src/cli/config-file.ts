// Configs from files: JSON, or YAML, of which JSON is a part.

import { FormatError } from "../errors.ts";
import { readBytes } from "./files.ts";

/**
 * Reads fields by name.
 * @throws FormatError for a file that is neither, naming the line, or that holds anything but fields by name
 */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(readBytes(path));
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const problem = (cause as Error).message.split(":\n")[0];
    throw new FormatError(`${path}: neither JSON nor YAML: ${problem}`, { file: path }, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError(`${path}: expected fields by name, such as {"rotate": 45}`, { file: path });
}
