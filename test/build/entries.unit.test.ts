// What the entries export is documented, and the main entry loads nothing of what `erwin/formats` adds.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { downloadSize } from "../../src/build/size.mjs";
import { root } from "../../src/build/steps.mjs";

test.each([
  ["erwin", "ErwinTransformer"],
  ["bench", "runSuite"],
  ["experiments", "experiments"],
  ["formats", "readPointCloud"],
  ["jobs", "SharedWork"],
])("every name that the entry %s exports has a docstring", (entry, known) => {
  const source = readFileSync(join(root, "dist", `${entry}.d.ts`), "utf8");
  const file = ts.createSourceFile(`${entry}.d.ts`, source, ts.ScriptTarget.Latest, true);
  const documented = new Set<string>();
  const exported: string[] = [];
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      exported.push(...statement.exportClause.elements.map(({ name, propertyName }) => (propertyName ?? name).text));
    }
    // A namespace (`nn`, `operators`) is a list of names that have docstrings of their own.
    if (!ts.isModuleDeclaration(statement) && ts.getJSDocCommentsAndTags(statement).length === 0) continue;
    const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
    for (const declaration of declarations) {
      const name = ts.getNameOfDeclaration(declaration as ts.Declaration);
      if (name && ts.isIdentifier(name)) documented.add(name.text);
    }
  }
  expect(exported).toContain(known);
  expect(exported.filter((name) => !documented.has(name))).toEqual([]);
});

test("the readers and writers of other formats are no part of the main entry's download", () => {
  const main = [...downloadSize().files.keys()].filter((name) => name.endsWith(".js"));
  const code = main.map((name) => readFileSync(join(root, "dist", name), "utf8")).join("\n");
  expect(code).toContain("loadSafetensors");
  expect(code).not.toContain("loadPly");
  expect(code).not.toContain("zipSync");
});
