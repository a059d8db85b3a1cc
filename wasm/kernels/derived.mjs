// What the kernels share with TypeScript and what follows from their own text, as AssemblyScript in wasm/out: constants and
// enumerations that are written down in src/backends, and the function that calls each command's kernel.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runnerImport } from "vite";

const upper = (name) => name.replace(/[A-Z]/g, "_$&").toUpperCase();
const capitalised = (name) => name[0].toUpperCase() + name.slice(1);

/** Constants of the kernels' memory, and the order of the element functions. */
async function shared(backends) {
  const load = async (name) => (await runnerImport(join(backends, name))).module;
  const { control } = await load("cpu/module.ts");
  const { kernelSizes } = await load("cpu/scratch.ts");
  const { elementFunctions } = await load("operators.ts");
  return [
    "// Bytes in front of the control words.",
    ...Object.entries(control).map(([name, word]) => `export const ${upper(name)}: usize = ${4 * word};`),
    ...Object.entries(kernelSizes).map(([name, size]) => `export const ${name}: u32 = ${size};`),
    `export enum ElementFunction { ${elementFunctions.map(capitalised).join(", ")} }`,
  ];
}

/** Calls the kernel of a command: the function in `folder` whose first parameter is of the command's class. */
async function dispatch(folder, backends) {
  const { commandLayouts } = (await runnerImport(join(backends, "cpu/commands.ts"))).module;
  const kernels = readdirSync(folder).flatMap((file) =>
    [
      ...readFileSync(join(folder, file), "utf8").matchAll(/^export function (\w+)\(p: (\w+), thread: u32(.*?)\)/gm),
    ].map(([, name, command, threads]) => ({ file: file.replace(".ts", ""), name, command, threads })),
  );
  const cases = [...commandLayouts].map(([command, { code }]) => {
    const kernel = kernels.find((kernel) => kernel.command === command);
    if (!kernel) throw new Error(`no function of wasm/kernels takes the command ${command}`);
    const rest = kernel.threads ? ", threads" : "";
    return `    case ${code}: ${kernel.name}(changetype<${command}>(at), thread${rest}); break;`;
  });
  return [
    ...kernels.map(({ file, name }) => `import { ${name} } from "../kernels/${file}";`),
    `import { ${[...commandLayouts.keys()].join(", ")} } from "../kernels/commands";`,
    "export function execute(at: usize, thread: u32, threads: u32): void {",
    "  switch (load<u32>(at)) {",
    ...cases,
    "    default: unreachable();",
    "  }",
    "}",
  ];
}

/** Writes both files. */
export async function derive({ folder, root }) {
  const backends = join(root, "src", "backends");
  const out = join(root, "wasm", "out");
  mkdirSync(out, { recursive: true });
  const files = { "shared.ts": await shared(backends), "dispatch.ts": await dispatch(folder, backends) };
  for (const [name, lines] of Object.entries(files)) {
    const header = "// Written by wasm/kernels/derived.mjs.";
    writeFileSync(join(out, name), `${[header, ...lines].join("\n")}\n`);
  }
}
