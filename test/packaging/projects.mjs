// Runs the projects beside this file with the packed library. The scripts of a project's package.json say what there is to run:
// `build` makes a page, `dev` serves one, `start` and `start:...` print the result themselves, `check:...` have to succeed.
// A project without scripts is a page as it stands.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeBrowsers, describeBrowser, resultOf } from "./browsers.mjs";
import { judge } from "./judge.mjs";
import { install, npm, pack, readProject, tarball } from "./pack.mjs";
import { serveDevelopment, serveFolder, serveLibrary } from "./serve.mjs";

/** @typedef {import("./table.mjs").Outcome} Outcome */

/** @typedef {import("./browsers.mjs").BrowserName} BrowserName */

/** @type {BrowserName[]} */
const allBrowsers = ["Chromium", "Firefox", "WebKit"];

/** All are tried in Chromium, and what bundlers build in WebKit, which loads the parts of a worker in its own way. */
const alsoInFirefox = ["plain", "vite8"];

/** All projects' names. */
export function projectNames() {
  const entries = readdirSync(import.meta.dirname, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/**
 * Yields what each script of the projects, in each browser, comes to.
 * @param {string[]} names
 * @param {{ browsers?: BrowserName[], buildArguments?: Record<string, string[]> }} options the browsers to try, by default all, and
 *   what to add to a project's build
 * @returns {AsyncGenerator<Outcome>}
 */
export async function* runProjects(names = projectNames(), { browsers = allBrowsers, buildArguments = {} } = {}) {
  await pack();
  try {
    for (const name of names) {
      const { description, dependencies, scripts } = readProject(name);
      const packages = Object.entries(dependencies).map(([key, version]) => `${key} ${version}`);
      for (const run of runsOf(name, Object.keys(scripts), browsers, buildArguments[name])) {
        const result = await run.result().catch((error) => String(error.message));
        yield { name, description, packages, command: run.command, host: await run.host(), result };
      }
    }
  } finally {
    await closeBrowsers();
  }
}

/**
 * What there is to run of a project.
 * @param {string} name
 * @param {string[]} scripts
 * @param {BrowserName[]} browsers
 * @param {string[]} [buildArguments]
 */
function runsOf(name, scripts, browsers, buildArguments) {
  const runs = scripts.map((script) => ({ script, command: `npm run ${script}` }));
  const pages = runs.filter(({ script }) => script === "build" || script === "dev");
  if (runs.length === 0) pages.push({ script: "", command: "" });
  const programs = runs.filter((run) => !pages.includes(run));
  const wanted = (/** @type {BrowserName} */ browser, /** @type {string} */ script) =>
    browser === "Chromium" || (browser === "Firefox" ? alsoInFirefox.includes(name) : script !== "dev");
  return [
    ...pages.flatMap(({ script, command }) =>
      browsers
        .filter((browser) => wanted(browser, script))
        .map((browser) => ({
          command,
          host: () => describeBrowser(browser),
          result: () => runPage(name, script, browser, buildArguments),
        })),
    ),
    ...programs.map(({ script, command }) => ({
      command,
      host: async () => "",
      result: () => runProgram(name, script),
    })),
  ];
}

/**
 * @param {string} name
 * @param {string} script
 * @param {BrowserName} browser
 * @param {string[]} [buildArguments]
 */
async function runPage(name, script, browser, buildArguments) {
  const project = await install(name);
  const server = await servePage(project, script, buildArguments);
  try {
    return await resultOf(browser, server.url);
  } finally {
    server.close();
  }
}

/**
 * @param {string} project
 * @param {string} script
 * @param {string[]} buildArguments
 */
async function servePage(project, script, buildArguments = []) {
  if (script === "dev") return serveDevelopment(project);
  if (script !== "build") return serveFolder(project);
  const built = join(project, "dist");
  if (!existsSync(built)) await npm(project, ["run", script, "--", ...buildArguments]);
  // Where the bundler makes no page.
  const page = join(built, "index.html");
  if (!existsSync(page)) cpSync(join(project, "index.html"), page);
  return serveFolder(built);
}

/**
 * @param {string} name
 * @param {string} script
 */
async function runProgram(name, script) {
  const project = await install(name);
  const server = await serveLibrary(tarball, join(project, "node_modules", "erwin"));
  try {
    redirect(name, project, server.url);
    const env = { NPM_CONFIG_REGISTRY: server.url, DENO_DIR: join(project, "deno-cache") };
    const output = await npm(project, ["run", script], env);
    if (script.startsWith("check")) return "right";
    const [, result] = /^result: (.*)/ms.exec(output) ?? [];
    return result === undefined ? `no result: ${output}` : judge(result.trim());
  } finally {
    server.close();
  }
}

/**
 * Names a server of ours in place of the CDN where a project names that.
 * @param {string} name
 * @param {string} project
 * @param {string} url
 */
function redirect(name, project, url) {
  const map = join(import.meta.dirname, name, "http.json");
  if (!existsSync(map)) return;
  const text = readFileSync(map, "utf8").replaceAll("https://cdn.jsdelivr.net/", url);
  writeFileSync(join(project, "http.json"), text);
}
