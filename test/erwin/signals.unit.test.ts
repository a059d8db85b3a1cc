// Every public call that can take long ends by a signal, as the declarations of the built library say.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(new URL(`../../dist/${file}`, import.meta.url), "utf8");
const declarations = read("types.d.ts").replace(/\/\*[\s\S]*?\*\//g, "");
const exported = new Set(read("erwin.d.ts").match(/\w+/g));

/** They wait for nothing but calls that have signals, the device's last work or the worker's event loop. */
const short = [
  "disposeThreads",
  "saveTraining",
  "Tensor.backward",
  "Module.save",
  "Module.saveBuffers",
  "ErwinTransformer.create",
  "ErwinWorker.info",
];

/** The asynchronous functions, and the asynchronous methods of these classes, with the text of their parameters. */
function publicCalls(): Map<string, string> {
  const calls = new Map<string, string>();
  for (const [, name, parameters] of declarations.matchAll(
    /^declare function (\w+)(?:<[\w, ]+>)?\((.*)\): Promise</gm,
  )) {
    if (exported.has(name)) calls.set(name, parameters);
  }
  for (const name of ["Tensor", "Module", "ErwinTransformer", "ErwinWorker"]) {
    const [body] = new RegExp(`class ${name} [\\s\\S]*?^}`, "m").exec(declarations)!;
    // A method's parameters end before the next member.
    for (const [, method, parameters] of body.matchAll(
      /^ {4}(?:static )?(\w+)(?:<\w+>)?\(((?:(?!\n {4}[^\s}])[\s\S])*?)\): Promise</gm,
    )) {
      calls.set(`${name}.${method}`, parameters);
    }
  }
  return calls;
}

/** Whether a type or what it extends has a signal. */
function hasSignal(type: string): boolean {
  const found = new RegExp(`interface ${type}(?:<[^>]*>)?(?: extends ([^{]*))? \\{([^]*?)^}`, "m").exec(declarations);
  if (!found) return false;
  const [, parents = "", body] = found;
  return /^ {4}signal\?: AbortSignal/m.test(body) || typesIn(parents).some(hasSignal);
}

const typesIn = (text: string) => text.match(/\b[A-Z]\w+/g) ?? [];

test("every public call that can take long takes a signal", () => {
  const without = [...publicCalls()].filter(([, parameters]) => !typesIn(parameters).some(hasSignal));
  expect(without.map(([name]) => name)).toEqual(short);
});
