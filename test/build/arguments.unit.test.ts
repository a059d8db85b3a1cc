// The scripts of package.json list their arguments, and refuse what they do not have by one line.

import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { scripts } from "../../package.json";
import { root } from "../../src/build/steps.mjs";

const call = (script: string, word: string) => {
  const [program, ...words] = scripts[script as keyof typeof scripts].split(" ");
  expect(program).toBe("node");
  return spawnSync(process.execPath, [...words, word], { cwd: root, encoding: "utf8" });
};

it("prints the comment at a script's head for --help, and one line for what the script does not have", () => {
  const help = call("bench:peers", "--help");
  expect([help.status, help.stderr]).toEqual([0, ""]);
  expect(help.stdout).toMatch(
    /^Compares this library with its peers[\s\S]*\n {2}node src\/bench\/peers\/run.mjs \[--points/,
  );
  const wrong = call("test:distributed", "--processes");
  expect([wrong.status, wrong.stdout]).toEqual([2, ""]);
  expect(wrong.stderr).toBe("error: Unknown option '--processes'. --help lists the arguments.\n");
});
