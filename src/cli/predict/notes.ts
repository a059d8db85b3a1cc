// Remarks on the files that are predicted.

import { printError } from "../process/progress.ts";

/** Returns what prints the first remark that it is given: those on other files of the same call would say the same. */
export function firstNote(): (file: string, note: string | undefined) => void {
  let told = false;
  return (file, note) => {
    if (note !== undefined && !told) printError(`note: ${file}: ${note}.`);
    told ||= note !== undefined;
  };
}
