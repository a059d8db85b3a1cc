// The README is right: its commands and programs run as they stand, on the packed library, in Node, Deno and Chromium;
// what cannot be run is held against what it tells of.

import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, extname, join } from "node:path";
import { promisify } from "node:util";
import bunny from "bunny";
import { loadSafetensors } from "erwin";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium, testArguments } from "../../src/build/chromium.mjs";
import { denoEnvironment, denoProgram } from "../../src/build/deno.mjs";
import { codeBlocks } from "../../src/build/examples.mjs";
import { contentTypes, serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";
import { pack, tarball } from "../packaging/pack.mjs";
import { serveLibrary } from "../packaging/serve.mjs";
import { anchors, linkTargets, tableRows } from "./markdown.ts";

const readText = (path: string) => readFileSync(join(root, path), "utf8");
const readme = readText("README.md");
const blocks = codeBlocks(readme);

/** The block of a section, there being one in that language. */
function block(section: string, language: string): string {
  const found = blocks.filter((block) => block.section === section && block.language === language);
  expect(found, `blocks of ${language} under "${section}"`).toHaveLength(1);
  return found[0].code;
}

const folder = mkdtempSync(join(tmpdir(), "erwin-readme-"));
/** A project in Node, one in Deno, and a folder of programs. */
const [inNode, inDeno, programs] = ["node", "deno", "bin"].map((name) => join(folder, name));
const environment: NodeJS.ProcessEnv = {
  ...denoEnvironment(),
  PATH: [programs, dirname(process.execPath), process.env.PATH].join(delimiter),
  DENO_DIR: join(folder, "deno-cache"),
  NO_COLOR: "1",
  npm_config_cache: join(folder, "npm-cache"),
  npm_config_audit: "false",
  npm_config_update_notifier: "false",
};

/** Runs a shell's commands in a folder; gives what they print. The first that fails ends them, and the test. */
async function shell(cwd: string, commands: string): Promise<string> {
  const options = { cwd, env: environment, timeout: 280_000 };
  const { stdout } = await promisify(execFile)("sh", ["-ec", commands], options);
  return stdout;
}

let registry: Awaited<ReturnType<typeof serveLibrary>>;
let browser: Browser | undefined;
beforeAll(async () => {
  for (const path of [inNode, inDeno, programs]) mkdirSync(path);
  writeFileSync(join(inNode, "package.json"), '{ "type": "module" }');
  if (denoProgram() !== "deno") symlinkSync(denoProgram(), join(programs, "deno"));
  await pack();
  registry = await serveLibrary(tarball, root);
  environment.NPM_CONFIG_REGISTRY = environment.npm_config_registry = registry.url;
});
afterAll(async () => {
  registry?.close();
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("all blocks of code are known here", () => {
  expect(blocks.map(({ section, language }) => `${section}: ${language}`)).toEqual([
    "Install: sh",
    "Install: html",
    "Quick start: js",
    "Train on your data: ts",
    "In a worker: js",
    "Command line: sh",
  ]);
});

test("it installs in Node and Deno", async () => {
  const commands = block("Install", "sh").trimEnd().split("\n");
  const projects: Record<string, string> = { npm: inNode, deno: inDeno };
  for (const command of commands) {
    const project = projects[command.split(" ")[0]];
    // Bun is not among the tools of this repository.
    if (project) await shell(project, command);
    else expect(command).toMatch(/^bun add erwin\s+#/);
  }
});

test("the quick start runs in Node and in Deno", async () => {
  const commands = { node: inNode, "deno run -A": inDeno };
  for (const [command, project] of Object.entries(commands)) {
    writeFileSync(join(project, "quickstart.js"), block("Quick start", "js"));
    const printed = await shell(project, `${command} quickstart.js`);
    expect(printed).toMatch(/^\[ 1000, 32 \] Float32Array\(32000\)/);
    expect(printed).not.toContain("NaN");
  }
});

test("the training loop has the right types, and the loss falls", async () => {
  writeFileSync(join(inDeno, "train.ts"), block("Train on your data", "ts"));
  const printed = await shell(inDeno, "deno run -A --check train.ts");
  const losses = [...printed.matchAll(/^step \d+: loss (\S+)$/gm)].map(([, loss]) => Number(loss));
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0] / 2);
  copyFileSync(join(inDeno, "model.safetensors"), join(inNode, "model.safetensors"));
});

test("the model runs in a worker in Node", async () => {
  writeFileSync(join(inNode, "worker.js"), block("In a worker", "js"));
  expect(await shell(inNode, "node worker.js")).toMatch(/^\[ 1000, 16 \] Float32Array\(16000\)/);
});

/** What the README's page writes to its console with a program in the place of the quick start; the CDN's files are those of npm. */
async function runPage(program: string): Promise<string> {
  browser ??= await chromium.launch({ executablePath: findChromium(), args: testArguments() });
  const [address = "", version] = /https:\S+?\/erwin@([\d.]+)\//.exec(block("Install", "html")) ?? [];
  expect(JSON.parse(readText("package.json")).version.startsWith(`${version}.`), `version ${version}`).toBe(true);
  const files: Record<string, string | Buffer> = {
    "/": block("Install", "html"),
    "/quickstart.js": program,
    "/model.safetensors": readFileSync(join(inNode, "model.safetensors")),
  };
  const server = await serve(({ url = "" }, response) => {
    response.writeHead(url in files ? 200 : 404, { "Content-Type": contentTypes[extname(url) || ".html"] ?? "" });
    response.end(files[url]);
  });
  const page = await browser.newPage();
  try {
    await page.route(`${address}**`, (route) => {
      const path = join(inNode, "node_modules", "erwin", route.request().url().slice(address.length));
      return route.fulfill({
        path,
        headers: { "Access-Control-Allow-Origin": "*" },
        contentType: contentTypes[extname(path)],
      });
    });
    return await new Promise((resolve, reject) => {
      page.on("console", (message) => (message.type() === "error" ? reject(message.text()) : resolve(message.text())));
      page.on("pageerror", reject);
      page.goto(server.url, { timeout: 280_000 }).catch(reject);
    });
  } finally {
    await page.close();
    server.close();
  }
}

test("the page runs the quick start and the worker's program in Chromium, from another origin", async () => {
  expect(await runPage(block("Quick start", "js"))).toMatch(/^\[1000, 32\] Float32Array\(32000\)/);
  expect(await runPage(block("In a worker", "js"))).toMatch(/^\[1000, 16\] Float32Array\(16000\)/);
});

test("the commands run on a real mesh", async () => {
  writeFileSync(join(inNode, "bunny.ply"), plyFile(bunny.positions));
  mkdirSync(join(inNode, "clouds"));
  writeFileSync(join(inNode, "clouds", "part.ply"), plyFile(bunny.positions.slice(0, 200)));
  await shell(inNode, block("Command line", "sh"));
  const tensor = (file: string, name: string) => loadSafetensors(readFileSync(join(inNode, file))).tensors.get(name);
  expect(tensor("tree.safetensors", "tree_idx")?.shape).toEqual([2048]);
  expect(tensor("out.safetensors", "out")?.shape).toEqual([bunny.positions.length, 16]);
  expect(tensor("predictions/part.safetensors", "out")?.shape).toEqual([200, 16]);
  expect(existsSync(join(inNode, "model.onnx"))).toBe(true);
});

function plyFile(positions: readonly (readonly number[])[]): string {
  const properties = ["x", "y", "z"].map((axis) => `property float ${axis}`);
  const header = ["ply", "format ascii 1.0", `element vertex ${positions.length}`, ...properties, "end_header"];
  return `${[...header, ...positions.map((point) => point.join(" "))].join("\n")}\n`;
}

test("what bundlers need is what the projects of test/packaging have", () => {
  const needs = new Map(tableRows(readme, "bundler").map(({ bundler, needs }) => [bundler, needs]));
  const platforms = tableRows(readText("src/PLATFORMS.md"), "where");
  const elsewhere = new Map(platforms.map(({ where, needs }) => [where, needs]));
  const project = (name: string) => readText(join("test", "packaging", name, "package.json"));
  const version = (name: string, bundler = name) => JSON.parse(project(name)).dependencies[bundler].split(".")[0];
  const vite = `Vite ${version("vite7", "vite")} and ${version("vite8", "vite")}`;
  const packs = `webpack ${version("webpack5", "webpack")}, Rspack ${version("rspack2", "@rspack/core")}`;
  expect(needs.get(`${vite}, ${packs}, Next ${version("next")}`)).toBe("nothing");
  const [, setting] = /`([^`]*)`$/.exec(needs.get(`Parcel ${version("parcel")}`) ?? "") ?? [];
  expect(JSON.parse(project("parcel"))).toMatchObject(JSON.parse(`{${setting}}`));
  for (const name of ["esbuild", "rollup", "bun"]) {
    const [command] = /erwin assets \w+/.exec(project(name)) ?? [];
    expect(needs.get("esbuild, Rollup, Bun")).toContain(command);
  }
  for (const name of ["bun", "sea"]) {
    const [call] = /setAssets\(.*\)(?=;)/.exec(readText(join("test", "packaging", name, "program.js"))) ?? [];
    expect(elsewhere.get("programs in one file: `bun build --compile`, Node's SEA, ncc")).toContain(call);
  }
});

test("the figures of speed are those of the results", () => {
  const results = readText("src/bench/results/README.md").split("**NVIDIA H200**")[1].split("\n**")[0];
  const figures = (pass: string) =>
    tableRows(results, `${pass}, ms`).map((row) => [row[`${pass}, ms`], row.erwin, row["PyTorch eager"]]);
  const rows = tableRows(readme, "erwin, forward");
  const shown = (pass: string) =>
    rows.map((row) => [row["clouds x points"], row[`erwin, ${pass}`], row[`PyTorch, ${pass}`]]);
  for (const pass of ["forward", "training step"]) {
    expect(shown(pass)).toEqual(figures(pass === "forward" ? "forward pass" : pass));
    expect(shown(pass)).toHaveLength(6);
  }
});

test("it is read in ten minutes", () => {
  expect(readme.split("\n").length).toBeLessThanOrEqual(161);
});

test("documents that it links to are in the package", () => {
  const installed = join(inNode, "node_modules/erwin");
  for (const target of linkTargets(readme).filter((target) => /^src\/.*\.md(#|$)/.test(target))) {
    expect(existsSync(join(installed, target.split("#")[0])), target).toBe(true);
  }
});

test("links lead to files and headings that are there", () => {
  for (const file of [
    "README.md",
    "src/cli/README.md",
    "src/bench/results/README.md",
    "src/experiments/README.md",
    "src/ARCHITECTURE.md",
    "src/PLATFORMS.md",
    "src/PYTORCH.md",
  ]) {
    const text = readText(file);
    for (const target of linkTargets(text).filter((target) => !target.startsWith("https:"))) {
      const [path, anchor] = target.split("#");
      const linked = path === "" ? join(root, file) : join(root, dirname(file), path);
      expect(existsSync(linked), `${file} links to ${target}`).toBe(true);
      if (anchor) expect(anchors(readFileSync(linked, "utf8"))).toContain(anchor);
    }
  }
});
