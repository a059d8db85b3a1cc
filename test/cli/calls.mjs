// Runs the command line again and again: each line of standard input holds a call's words as JSON. A call only evaluates the
// command line's module with its arguments. What it prints ends with END; its exit code follows on standard output.

import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [cli, END] = process.argv.slice(2);

let calls = 0;
for await (const line of createInterface({ input: process.stdin })) {
  process.argv = [process.argv[0], cli, ...JSON.parse(line)];
  process.exitCode = 0;
  await import(`${pathToFileURL(cli)}?${calls++}`);
  process.stderr.write(END);
  process.stdout.write(`${END}${process.exitCode}\n`);
}
process.exitCode = 0;
