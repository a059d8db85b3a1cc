// Makes the README's programs runnable examples of the site. Their text comes from the README, and each is a separate module, so
// that no page needs to evaluate text.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./steps.mjs";

const LIST = "virtual:examples";
const EXAMPLE = "virtual:example/";
/** The replacement of Node's file module in examples: it offers written files as downloads. */
const files = join(root, "src", "pages", "examples", "files.ts");

/**
 * Returns the fenced blocks of code of a Markdown text, each with the heading that it stands under, in their order.
 * @param {string} text
 */
export function codeBlocks(text) {
  const pattern = /^#+ (?<section>[^\n]*)$|^```(?<language>\w*)\n(?<code>.*?)^```$/gms;
  let section = "";
  return [...text.matchAll(pattern)].flatMap(({ groups = {} }) => {
    if (groups.section === undefined) return [{ section, language: groups.language, code: groups.code }];
    section = groups.section;
    return [];
  });
}

/** Returns the README's programs by their headings. */
function readExamples() {
  const blocks = codeBlocks(readFileSync(join(root, "README.md"), "utf8"));
  const programs = blocks.filter(({ language }) => language === "js" || language === "ts");
  return new Map(programs.map(({ section, code }) => [section, code]));
}

/**
 * Returns the text of an example, for HTML.
 * @param {string} section
 */
export function exampleText(section) {
  const code = readExamples().get(section);
  if (code === undefined) throw new Error(`README.md has no program under the heading "${section}"`);
  return code.trimEnd().replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/**
 * A plugin that supplies `virtual:examples`, which imports each example by its heading, on demand.
 * @returns {import("vite").Plugin}
 */
export function exampleModules() {
  const sections = [...readExamples().keys()];
  return {
    name: "erwin-examples",
    enforce: "pre",
    resolveId(id, importer) {
      if (id === LIST || id.startsWith(EXAMPLE)) return `\0${id}`;
      if (id === "node:fs/promises" && importer?.startsWith(`\0${EXAMPLE}`)) return files;
      return null;
    },
    load(id) {
      if (id === `\0${LIST}`) {
        const entries = sections.map((name, i) => `${JSON.stringify(name)}: () => import("${EXAMPLE}${i}.ts")`);
        return `export const examples = { ${entries.join(", ")} };`;
      }
      if (!id.startsWith(`\0${EXAMPLE}`)) return null;
      const index = Number(/\d+/.exec(id)?.[0]);
      return { code: /** @type {string} */ (readExamples().get(sections[index])), moduleType: "ts" };
    },
  };
}

/**
 * Writes the model that an example loads: it has initial weights, and the shape of the model that another example trains.
 * @param {string} path
 */
export async function writeExampleModel(path) {
  const { ErwinTransformer, requestDevice } = await import(pathToFileURL(join(root, "dist", "erwin.js")).href);
  const device = await requestDevice({ backend: "cpu", threads: 1 });
  const levels = { ballSizes: [64, 64], encNumHeads: [2, 4], encDepths: [2, 2], strides: [2] };
  const config = { cIn: 3, cHidden: 16, ...levels, decNumHeads: [2], decDepths: [2] };
  const model = await ErwinTransformer.create(config, { device, seed: 0 });
  writeFileSync(path, await model.save());
  model.dispose();
  device.dispose();
}
