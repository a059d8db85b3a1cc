// Saves the view as a file: a PNG of the stage, or an SVG of dots from back to front, which is sharp at any size.

import { escaped } from "../../drawing/svg.ts";
import { byId } from "../shared/dom.ts";
import { sentence } from "../shared/format.ts";
import { reasonOf } from "../shared/reason.ts";
import { saveFile } from "../shared/save.ts";
import type { Controller, Shown } from "./controller.ts";
import type { ExplorerStage, Side } from "./sides.ts";
import { captionOf } from "./texts.ts";

const PNG_WIDTH = 2400;
/** The largest number of dots: a file with more opens slowly in other programs. */
const MAX_DOTS = 40_000;

/** The buttons that save the view and copy its address. */
export function connectPictures(
  stage: ExplorerStage,
  controller: Controller,
  shown: () => Shown | undefined,
  colours: () => { ground: string; ink: string },
): void {
  const say = (text: string) => {
    byId("taken").textContent = text;
  };
  const nameOf = ({ cloud }: Shown) => `erwin-${cloud.name.replace(/\.\w+$/, "")}`;
  byId("save-png").addEventListener("click", async () => {
    const now = shown();
    if (!now) return;
    try {
      saveFile(await stage.picture(PNG_WIDTH), `${nameOf(now)}.png`);
      say("The picture is saved.");
    } catch (error) {
      say(sentence(reasonOf(error)));
    }
  });
  byId("save-svg").addEventListener("click", () => {
    const now = shown();
    if (!now) return;
    const captions = { tree: captionOf(now, "tree"), rotated: captionOf(now, "rotated") };
    saveFile(svgOf(stage, { title: now.cloud.name, captions, ...colours() }), `${nameOf(now)}.svg`);
    say("The picture is saved.");
  });
  byId("copy-link").addEventListener("click", async () => {
    controller.writeAddress();
    try {
      await navigator.clipboard.writeText(new URL(controller.address, location.href).href);
      say(
        controller.settings.sample
          ? "The link is copied."
          : "The link is copied; whoever opens it needs your file, too.",
      );
    } catch {
      say(`The browser does not allow to copy: the link is the page's address.`);
    }
  });
}

interface SvgOptions {
  title: string;
  /** The captions of each side that is shown. */
  captions: Readonly<Partial<Record<Side, readonly [title: string, text: string]>>>;
  ground: string;
  ink: string;
}

function svgOf(stage: ExplorerStage, { title, captions, ground, ink }: SvgOptions): Blob {
  const panels = stage.panels;
  const width = Math.max(...panels.map((panel) => panel.x + panel.width));
  const height = Math.max(...panels.map((panel) => panel.y + panel.height));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${ground}"/>`,
  ];
  for (const panel of panels) {
    const [name, text] = captions[panel.side] ?? ["", ""];
    parts.push(
      `<svg x="${panel.x}" y="${panel.y}" width="${panel.width}" height="${panel.height}">`,
      `<g stroke-linecap="round" fill="none">${dotsOf(stage, panel)}</g>`,
      `<text x="20" y="34" font-size="16" font-weight="600" fill="${ink}">${escaped(name)}</text>`,
      `<text x="20" y="54" font-size="13" fill="${ink}" opacity="0.75">${escaped(text)}</text>`,
      "</svg>",
    );
  }
  return new Blob([parts.join("\n"), "\n</svg>\n"], { type: "image/svg+xml" });
}

/** The dots of one depth and colour are one path. */
function dotsOf(stage: ExplorerStage, { side, width, height }: ExplorerStage["panels"][number]): string {
  const projected = stage.project(side, MAX_DOTS);
  const colours = stage.colours(side);
  const all = colours.length / 4;
  const places = Array.from({ length: projected.length / 3 }, (_, place) => place).filter((place) => {
    const [x, y, depth] = projected.subarray(3 * place, 3 * place + 3);
    return depth > 0 && x > -20 && y > -20 && x < width + 20 && y < height + 20;
  });
  const depths = places.map((place) => projected[3 * place + 2]);
  const nearest = depths.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const farthest = depths.reduce((a, b) => Math.max(a, b), 0);
  // If a part of the points represents all, each dot is larger.
  const pixels =
    stage.pointPixels(height * Math.min(1, width / height)) * Math.min(2, Math.sqrt(all / Math.min(all, MAX_DOTS)));
  const paths = new Map<string, string>();
  places.sort((a, b) => projected[3 * b + 2] - projected[3 * a + 2]);
  for (const place of places) {
    const [x, y, depth] = projected.subarray(3 * place, 3 * place + 3);
    const step = Math.round((24 * (farthest - depth)) / (farthest - nearest || 1));
    const [red, green, blue, emphasis] = colours.subarray(4 * place, 4 * place + 4);
    const faded = emphasis === 0 ? ' opacity="0.16"' : "";
    const size = Math.max(1, (pixels / depth) * (emphasis === 0 ? 0.42 : 1)).toFixed(1);
    const key = `${String(step).padStart(2, "0")}<path stroke="rgb(${red} ${green} ${blue})" stroke-width="${size}"${faded} d="`;
    paths.set(key, `${paths.get(key) ?? ""}M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  }
  return [...paths]
    .sort(([a], [b]) => (a.slice(0, 2) < b.slice(0, 2) ? -1 : 1))
    .map(([key, dots]) => `${key.slice(2)}${dots}"/>`)
    .join("\n");
}
