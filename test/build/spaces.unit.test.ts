// The build's removal of spaces leaves a program that means the same.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseSync } from "vite";
import { expect, test } from "vitest";
import { stripSpaces } from "../../src/build/spaces.mjs";

/** A program as its parser understands it, without places. */
const meaning = (code: string) =>
  JSON.stringify(parseSync("module.js", code).program, (key, value) =>
    ["start", "end", "range", "loc"].includes(key) ? undefined : value,
  );

/** How many of a program's statements begin a line: those in functions and blocks, too. */
function linesOfStatements(code: string): number {
  let lines = 0;
  JSON.stringify(parseSync("module.js", code).program, (key, value) => {
    if (key !== "body" || !Array.isArray(value)) return value;
    for (const { start } of value) if (/(^|\n)[\t ]*$/.test(code.slice(Math.max(0, start - 100), start))) lines++;
    return value;
  });
  return lines;
}

test("spaces beside punctuation go, unless they are within texts, expressions and comments", () => {
  expect(stripSpaces('const f = (a, b) => { return [a ? "x , y" : /( , )/ , b]; };')).toBe(
    'const f=(a,b)=>{return[a?"x , y":/( , )/,b];};',
  );
  expect(stripSpaces("a = b ? .5 : `t , u`; /* @a , b */ import { d } from 'e'\n( f )")).toBe(
    "a=b?.5:`t , u`;/* @a , b */ import{d}from 'e'\n(f)",
  );
  expect(stripSpaces("export * from 'e'; const f = (a) => a * b % c != d")).toBe(
    "export*from 'e';const f=(a)=>a*b%c!=d",
  );
  const operators = "x = a + +b - -c < !--d / e ?? f - g++ + h-- > i < j";
  expect(meaning(stripSpaces(operators))).toBe(meaning(operators));
  expect(stripSpaces(operators)).toBe("x=a + +b - -c < !--d / e??f-g++ + h-- > i<j");
});

test("line breaks go within lists and before closing brackets, unless they are within texts or end a comment", () => {
  expect(stripSpaces("f(\n`a,\nb`,\n// c,\nd,\n[\n1\n])\ng()")).toBe("f(`a,\nb`,// c,\nd,[1])\ng()");
  expect(stripSpaces("if (a) {\nb();\n}\nelse {\nc();\n// d\n}")).toBe("if(a){\nb();}\nelse{\nc();\n// d\n}");
});

test("large programs by others mean the same without spaces, and their statements keep their lines", () => {
  const require = createRequire(import.meta.url);
  for (const name of ["fast-check", "comlink", "typescript"]) {
    const code = readFileSync(require.resolve(name), "utf8");
    const stripped = stripSpaces(code);
    expect(stripped.length, name).toBeLessThan(0.98 * code.length);
    expect(linesOfStatements(stripped), name).toBe(linesOfStatements(code));
    expect(meaning(stripped) === meaning(code), name).toBe(true);
  }
});
