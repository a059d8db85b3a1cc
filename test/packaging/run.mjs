// Packs the library as npm does, installs it in a project of each bundler, builds the project and runs its page in Chromium.
//
//   npm run test:packaging [-- PROJECT ...]     all folders beside this file, or those named
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { chromiumArguments, findChromium } from "../../src/build/chromium.mjs";
import { contentTypes, serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";

const here = import.meta.dirname;
const shared = ["page.js", "main.js", "index.html"];
/** Packages are installed once for all runs of this process. */
const folder = mkdtempSync(join(tmpdir(), "erwin-packaging-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/**
 * @param {string} cwd
 * @param {string[]} args of npm
 */
function npm(cwd, args) {
  const result = spawnSync("npm", args, { cwd, encoding: "utf8", timeout: 300_000 });
  if (result.status !== 0) throw new Error(`npm ${args.join(" ")}:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** The library's package, of the files in dist as they are. */
function pack() {
  const options = ["--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(npm(root, ["pack", ...options]));
  return join(folder, filename);
}

/** The folder of a project, installed. */
function install(/** @type {string} */ name, /** @type {string} */ library) {
  const project = join(folder, name);
  cpSync(join(here, name), project, { recursive: true });
  for (const file of shared) cpSync(join(here, file), join(project, file));
  npm(project, ["install", "--no-audit", "--no-fund", "--prefer-offline", library]);
  return project;
}

/** Serves what a project has built, with the page itself where the bundler makes none. */
function serveFolder(/** @type {string} */ project) {
  return serve((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const name = pathname === "/" ? "index.html" : pathname;
    const built = join(project, "dist", name);
    const file = name === "index.html" && !existsSync(built) ? join(project, name) : built;
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": contentTypes[extname(name)] ?? "application/octet-stream" });
    response.end(readFileSync(file));
  });
}

/** Starts a project's development server. */
async function serveDevelopment(/** @type {string} */ project) {
  const program = join(project, "node_modules", "vite", "bin", "vite.js");
  const env = { ...process.env, NO_COLOR: "1" };
  const server = spawn(process.execPath, [program, "--host", "127.0.0.1", "--port", "0"], { cwd: project, env });
  /** @type {string} */
  const url = await new Promise((resolve, reject) => {
    let output = "";
    server.stdout.on("data", (chunk) => {
      output += chunk;
      const [address] = /http:\/\/127\S+/.exec(output) ?? [];
      if (address) resolve(address);
    });
    server.on("exit", () => reject(new Error(`the development server ended: ${output}`)));
  });
  return { url, close: () => server.kill() };
}

/** What the page at a URL comes to: "right", or an error. */
async function resultOf(/** @type {import("playwright-core").Browser} */ browser, /** @type {string} */ url) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const seen = [];
  try {
    return await new Promise((resolve) => {
      page.on("response", (response) => response.ok() || seen.push(`${response.status()} ${response.url()}`));
      page.on("pageerror", (error) => seen.push(String(error)));
      page.on("console", (message) => {
        const [, result] = /^result: (.*)/s.exec(message.text()) ?? [];
        if (result === undefined) seen.push(message.text());
        else resolve(result === "right" ? result : [result, ...seen].join("\n"));
      });
      setTimeout(() => resolve(["no result within 60 s", ...seen].join("\n")), 60_000);
      page.goto(url).catch((error) => resolve(String(error)));
    });
  } finally {
    await page.close();
  }
}

/**
 * Runs the projects and yields, for each build and each development server, "right" or what went wrong.
 * @param {string[]} names
 */
export async function* runProjects(names) {
  const library = pack();
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments() });
  try {
    for (const name of names) {
      const { scripts, dependencies } = JSON.parse(readFileSync(join(here, name, "package.json"), "utf8"));
      const [bundler, version] = Object.entries(dependencies).find(([key]) => name.startsWith(key)) ?? [name, ""];
      for (const way of ["build", "dev"].filter((way) => way in scripts)) {
        const result = await runProject(browser, name, way, library).catch((error) => String(error.message));
        yield { name: `${bundler} ${version}, ${way}`, result };
      }
    }
  } finally {
    await browser.close();
  }
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} name
 * @param {string} way
 * @param {string} library
 */
async function runProject(browser, name, way, library) {
  const project = existsSync(join(folder, name)) ? join(folder, name) : install(name, library);
  if (way === "build") npm(project, ["run", "build"]);
  const server = await (way === "build" ? serveFolder(project) : serveDevelopment(project));
  try {
    return await resultOf(browser, server.url);
  } finally {
    server.close();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const chosen = process.argv.slice(2);
  for await (const { name, result } of runProjects(chosen.length > 0 ? chosen : folders.map((entry) => entry.name))) {
    console.log(`${name}: ${result}`);
    if (result !== "right") process.exitCode = 1;
  }
}
