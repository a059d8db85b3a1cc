// What the entries export is documented, and the main entry loads nothing of what `erwin/formats` adds.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { downloadSize } from "../../src/build/size.mjs";
import { root } from "../../src/build/steps.mjs";

const declared = exportsOf("types");
const documented = new Set<string>();
for (const statement of statementsOf("types")) {
  // A namespace (`nn`, `operators`) is a list of names that have docstrings of their own.
  if (!ts.isModuleDeclaration(statement) && ts.getJSDocCommentsAndTags(statement).length === 0) continue;
  const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
  for (const declaration of declarations) {
    const name = ts.getNameOfDeclaration(declaration as ts.Declaration);
    if (name && ts.isIdentifier(name)) documented.add(name.text);
  }
}

test.each([
  ["erwin", "ErwinTransformer"],
  ["bench", "runSuite"],
  ["experiments", "experiments"],
  ["formats", "readPointCloud"],
  ["jobs", "SharedWork"],
])("every name that the entry %s exports has a docstring", (entry, known) => {
  const undocumented = [...declared].filter(([, local]) => !documented.has(local)).map(([name]) => name);
  const exported = [...exportsOf(entry).keys()];
  expect(exported).toContain(known);
  expect(exported.filter((name) => !declared.has(name) || undocumented.includes(name))).toEqual([]);
});

function statementsOf(file: string): readonly ts.Statement[] {
  const source = readFileSync(join(root, "dist", `${file}.d.ts`), "utf8");
  return ts.createSourceFile(`${file}.d.ts`, source, ts.ScriptTarget.Latest, true).statements;
}

/** The names that a file of declarations exports, each with the name that it has in the file itself. */
function exportsOf(file: string): Map<string, string> {
  const lists = statementsOf(file)
    .filter(ts.isExportDeclaration)
    .flatMap(({ exportClause }) => exportClause ?? []);
  const names = lists.filter(ts.isNamedExports).flatMap(({ elements }) => [...elements]);
  return new Map(names.map(({ name, propertyName }) => [name.text, (propertyName ?? name).text]));
}

test("the readers and writers of other formats are no part of the main entry's download", () => {
  const main = [...downloadSize().files.keys()].filter((name) => name.endsWith(".js"));
  const code = main.map((name) => readFileSync(join(root, "dist", name), "utf8")).join("\n");
  expect(code).toContain("loadSafetensors");
  expect(code).not.toContain("loadPly");
  expect(code).not.toContain("zipSync");
});
