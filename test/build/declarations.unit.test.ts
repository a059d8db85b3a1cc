// The published declarations, as a strict program with the language of 2022 sees them; what one entry makes, another takes.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { expect, test } from "vitest";
import { entryNames, importName } from "../../src/build/entries.mjs";
import { root } from "../../src/build/steps.mjs";

const declarationsOf = (file: string) => join(root, "dist", `${file}.d.ts`);

/**
 * Returns a program that exports a function for each public member of each class and interface, whose result is that member: its own
 * declarations have to name the member's type.
 */
function exportsOfMembers(): string {
  const files = entryNames.map(declarationsOf);
  const program = ts.createProgram(files, { moduleResolution: ts.ModuleResolutionKind.Bundler });
  const checker = program.getTypeChecker();
  const lines: string[] = [];
  const visit = (module: ts.Symbol, name: string) => {
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const declaration = symbol.declarations?.[0];
      if (symbol.flags & ts.SymbolFlags.ValueModule) visit(symbol, `${name}.${exported.name}`);
      else if (declaration && (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)))
        lines.push(...membersOf(symbol, declaration, `${name}.${exported.name}`));
    }
  };
  const membersOf = (symbol: ts.Symbol, { typeParameters }: Generic, name: string) => {
    const type = typeParameters ? `<${typeParameters.map(() => "any").join(", ")}>` : "";
    const members = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).filter(isPublic);
    return members.map((member) => `(of: ${name}${type}) => of[${JSON.stringify(member.name)}]`);
  };
  const names = entryNames.map((entry) => [importName(entry), `${entry}Entry`]);
  for (const [i, file] of files.entries())
    visit(checker.getSymbolAtLocation(program.getSourceFile(file) as ts.Node) as ts.Symbol, names[i][1]);
  return [
    ...names.map(([entry, name]) => `import type * as ${name} from "${entry}";`),
    ...lines.map((line, i) => `export const member${i} = ${line};`),
  ].join("\n");
}

type Generic = Pick<ts.ClassDeclaration | ts.InterfaceDeclaration, "typeParameters">;

/** Whether a member can be read from outside, by its name. */
function isPublic({ name, declarations = [] }: ts.Symbol): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return !/^(__|#)/.test(name) && declarations.every((one) => (ts.getCombinedModifierFlags(one) & hidden) === 0);
}

test("each name is one type's: the bundler tells two of one name apart by a number, which a program's author would see", () => {
  expect(readFileSync(declarationsOf("types"), "utf8").match(/\b\w+\$\d+\b/g) ?? []).toEqual([]);
});
const members = exportsOfMembers();

test.each([
  ["a page", ["es2022", "dom"], [], "bundler"],
  ["a worker", ["es2022", "webworker"], [], "node16"],
  ["Node", ["es2022"], ["node"], "nodenext"],
])("compile in a strict program of %s that checks them and names no newer library", (_, lib, types, resolution) => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-types-"));
  try {
    const settings = {
      target: "es2022",
      lib,
      module: resolution === "bundler" ? "esnext" : resolution,
      moduleResolution: resolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      skipLibCheck: false,
      noEmit: true,
      // What a program exports has a type that its own declarations can name.
      declaration: true,
      types,
      typeRoots: [join(root, "node_modules", "@types")],
      paths: Object.fromEntries(entryNames.map((name) => [importName(name), [declarationsOf(name)]])),
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: settings, files: ["main.ts", "members.ts", "strict-program.ts"] }),
    );
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "members.ts"), members);
    cpSync(join(import.meta.dirname, "strict-program.ts"), join(folder, "strict-program.ts"));
    writeFileSync(
      join(folder, "main.ts"),
      `import { argmax, type ErwinTransformer, exportOnnx, knnGraph, nn, requestDevice, Tensor, type WorkerOutput } from "erwin";
       import { saveHdf5, saveTorch } from "erwin/formats";
       export * from "erwin/bench";
       export * from "erwin/formats";
       export { experiments } from "erwin/experiments";
       export * from "erwin/jobs";
       export const layer = new nn.Linear(3, 4);
       export const device = await requestDevice({ backend: "cpu" });
       import type { ExperimentRun } from "erwin/experiments";
       import type { PredictOptions } from "erwin/jobs";
       export const applied = (model: ErwinTransformer): Pick<PredictOptions, "model"> => ({ model });
       export const exported = ({ model }: ExperimentRun) => exportOnnx(model);
       // Requests, files and blobs take only what is known not to be on shared memory.
       export const unshared = async (tensor: Tensor, { data }: WorkerOutput): Promise<ArrayBufferView<ArrayBuffer>[]> => {
         const edges = await knnGraph([0, 1, 2], { dimensionality: 1, k: 1 });
         const files = [saveTorch(new Map()), await saveHdf5(new Map())];
         return [await tensor.data(), data, edges, await argmax(tensor), ...files];
       };
       device[Symbol.dispose]();`,
    );
    const tsc = join(root, "node_modules", "@typescript", "native", "bin", "tsc");
    const words = [tsc, "--project", folder, "--singleThreaded"];
    const { status, stdout } = spawnSync(process.execPath, words, { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
