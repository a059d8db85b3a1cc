// Builds the API reference of dist/site/api from the docstrings, by TypeDoc.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entries, importName } from "./entries.mjs";
import { CommandError } from "./run.mjs";
import { root } from "./steps.mjs";

const settings = join(root, "src", "pages", "reference");

/** Builds the reference beside the site and moves it there when it is complete. */
export async function buildReference() {
  const { Application, Converter, PageEvent } = await import("typedoc");
  const app = await Application.bootstrap({
    name: "erwin: API reference",
    entryPoints: Object.values(entries).map((file) => join(root, file)),
    tsconfig: join(settings, "tsconfig.json"),
    readme: join(settings, "introduction.md"),
    favicon: join(root, "src", "pages", "shared", "icon.svg"),
    customCss: writeStyles(),
    customJs: join(settings, "reference.js"),
    logLevel: "Warn",
    // Another step of the build checks types.
    skipErrorChecking: true,
    // Links to source lines would need the repository's address.
    disableGit: true,
    disableSources: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    navigation: { includeFolders: false },
    markdownItOptions: { linkify: false },
    // Types that only internal code names do not get a page.
    validation: { notExported: false, invalidLink: true, invalidPath: true },
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    // Its names are those of folders, and of the main entry's file.
    for (const module of project.children ?? []) module.name = importName(module.name.replace("index", "erwin"));
  });
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = asPageOfTheSite(page.contents ?? "");
  });

  const project = await app.convert();
  if (project) app.validate(project);
  // TypeDoc's own options for this have an effect on its command line only.
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) throw new CommandError("TypeDoc", 1);
  const folder = join(root, "dist", ".api");
  await app.generateDocs(project, folder);
  // The pages contain scripts of TypeDoc.
  cpSync(join(root, "node_modules", "typedoc", "LICENSE"), join(folder, "LICENSE"));
  const site = join(root, "dist", "site");
  const api = join(site, "api");
  mkdirSync(site, { recursive: true });
  rmSync(api, { recursive: true, force: true });
  renameSync(folder, api);
}

/** Writes the site's colours, followed by the reference's style sheet, as one file. */
function writeStyles() {
  const parts = [join(root, "src", "pages", "shared", "colours.css"), join(settings, "reference.css")];
  const file = join(tmpdir(), `erwin-reference-${process.pid}.css`);
  writeFileSync(file, parts.map((part) => readFileSync(part, "utf8")).join("\n"));
  return file;
}

/**
 * Gives headings levels without gaps, and names the page's parts for screen readers: TypeDoc chooses headings by their size.
 * @param {string} html
 */
function withOutline(html) {
  let last = 0;
  const levelled = html.replace(/<h([1-6])(?=[ >])/g, (heading, level) => {
    last = Math.min(Number(level), last + 1);
    return last === Number(level) ? heading : `${heading} aria-level="${last}"`;
  });
  return levelled
    .replace('<div class="col-content">', '<div class="col-content" role="main">')
    .replace('<div class="page-menu">', '<div class="page-menu" role="complementary" aria-label="On this page">');
}

/**
 * Adds the security policy that each page of the site has, with the inline script that TypeDoc writes, and a link back to the site.
 * @param {string} html
 */
function asPageOfTheSite(html) {
  const inline = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script]) => {
    return `'sha256-${createHash("sha256").update(script).digest("base64")}'`;
  });
  // The search index is decompressed from a data: URL, and the pictures of links are data: URLs.
  const policy = [
    "default-src 'self'",
    `script-src 'self' ${inline.join(" ")}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const [, base = "./"] = /data-base="(.*?)"/.exec(html) ?? [];
  return withOutline(html)
    .replace('<meta charset="utf-8"/>', `$&<meta http-equiv="Content-Security-Policy" content="${policy}"/>`)
    .replace('<div id="tsd-toolbar-links">', `$&<a href="${base}../index.html">All pages</a>`);
}
