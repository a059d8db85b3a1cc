// The arguments of the repository's own scripts. Each lists them in the comment at its head, which --help prints.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

/**
 * Prints the comment at the head of a script, and ends this process, if the arguments have --help.
 * @param {string | URL} script by default this process's own
 */
export function printHelp(script = process.argv[1]) {
  if (!process.argv.slice(2).includes("--help")) return;
  const [head] = readFileSync(script, "utf8").split(/^(?!\/\/)/m);
  console.log(head.replace(/^\/\/ ?/gm, "").trimEnd());
  process.exit(0);
}

/**
 * Reads the arguments of this process as `parseArgs` does. For --help, and after one line for arguments that the script does not
 * have, the process ends.
 * @template {import("node:util").ParseArgsConfig} Config
 * @param {Config} config
 * @returns {ReturnType<typeof parseArgs<Config>>}
 */
export function readArguments(config) {
  printHelp();
  try {
    return parseArgs(config);
  } catch (error) {
    const [problem] = /** @type {Error} */ (error).message.split(". ");
    console.error(`error: ${problem}. --help lists the arguments.`);
    process.exit(2);
  }
}
