// How a failure is told: in one line.

import process from "node:process";
import { ErwinError } from "../errors.ts";

/** One line for any thrown value; the stack after it where the environment variable ERWIN_DEBUG is 1. */
export function describeError(error: unknown): string {
  const line = `error: ${explain(error).replaceAll(/\s*\n\s*/g, " ")}`;
  return wantsStack() && error instanceof Error ? `${line}\n${error.stack}` : line;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ErwinError) return error.message;
  // Deno names its refusals so, and says what it was asked for and which flag allows it.
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
