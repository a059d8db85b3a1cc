// Describes failures in one line.

import process from "node:process";
import { ErwinError } from "../../errors.ts";

/** Describes any thrown value in one line, followed by the stack where the environment variable ERWIN_DEBUG is 1. */
export function describeError(error: unknown): string {
  const line = `error: ${explain(error).replaceAll(/\s*\n\s*/g, " ")}`;
  return wantsStack() && error instanceof Error ? `${line}\n${error.stack}` : line;
}

/** Describes the failure of one of many files: some errors name their file themselves. */
export function describeFailure(path: string, error: unknown): string {
  const line = describeError(error);
  return line.includes(path) ? line : line.replace("error: ", () => `error: ${path}: `);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ErwinError) return error.message;
  // Deno's refusals have this name, and say what was requested and which flag allows it.
  if (error.name === "NotCapable" || error.name === "PermissionDenied") return `Deno refused: ${error.message}`;
  return `${error.name}: ${error.message} (unexpected; ERWIN_DEBUG=1 shows where)`;
}

function wantsStack(): boolean {
  try {
    return process.env.ERWIN_DEBUG === "1";
  } catch {
    return false; // Deno without permission to read the environment
  }
}
