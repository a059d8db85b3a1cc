// The texts that describe what the page shows: facts, captions, the legend, the table of a selected point.

import { palette } from "../../drawing/colours.ts";
import { byId, element } from "../shared/dom.ts";
import { count, figure, milliseconds } from "../shared/format.ts";
import { gapsEntry, rampOf, swatchOf } from "../shared/stage/ramp.ts";
import type { Shown } from "./controller.ts";
import { levelColours, seenByLevel } from "./highlight.ts";
import type { ExplorerStage, Side } from "./sides.ts";

/** The part of the canvas that a side has. */
type Panel = ExplorerStage["panels"][number];

export function showTexts(shown: Shown, panels: readonly Panel[]): void {
  showFacts(shown);
  showCaptions(shown, panels);
  showLegend(shown);
  showSelection(shown);
}

const plural = (number: number, one: string) => `${count(number)} ${one}${number === 1 ? "" : "s"}`;

function showFacts({ cloud, tree, graph, spheres }: Shown): void {
  const parts = [
    `${plural(cloud.points, "point")} in ${cloud.dimensionality}D`,
    cloud.clouds > 1 && plural(cloud.clouds, "cloud"),
    `tree of ${plural(tree.slots, "slot")} in ${milliseconds(tree.milliseconds)}`,
    graph && edgesText(graph),
    spheres && spheres.total > spheres.spheres.length / 4 && `the largest ${count(spheres.spheres.length / 4)} spheres`,
    cloud.noteOnRounding,
  ];
  byId("facts").textContent = `${parts.filter(Boolean).join(" · ")}.`;
}

function edgesText({ lines, total }: { lines: Float32Array; total: number }): string {
  const drawn = lines.length / 6;
  return drawn < total ? `${count(drawn)} of ${plural(total, "edge")} drawn` : plural(total, "edge");
}

function showCaptions(shown: Shown, panels: readonly Panel[]): void {
  for (const side of ["tree", "rotated"] as const) {
    const caption = byId(`caption-${side}`);
    const panel = panels.find((one) => one.side === side);
    caption.hidden = !panel;
    if (!panel) continue;
    caption.style.left = `${panel.x}px`;
    caption.style.top = `${panel.y}px`;
    caption.style.maxWidth = `${panel.width}px`;
    const [title, text] = captionOf(shown, side);
    caption.replaceChildren(element("strong", {}, title), element("span", {}, text));
  }
}

/** The caption of a side. */
export function captionOf(
  { settings, cloud, tree, selection, attention }: Shown,
  side: Side,
): [title: string, text: string] {
  const { colour, level, halvings, rotate } = settings;
  const rotated = side === "rotated";
  if (selection && attention) {
    const where = `level ${level}, block ${settings.block}, head ${settings.head}`;
    return [
      "Attention",
      `of point ${count(selection.point)} to the ${count(attention.nodes)} nodes of its ball: ${where}`,
    ];
  }
  if (selection) {
    const reached = rotated ? selection.reachedWithRotationAt : selection.reachedAt;
    const seen = seenByLevel(reached, tree.levels.length)[level];
    const share = `${count(seen)} of ${plural(cloud.points, "point")}`;
    return [
      rotated ? "With rotation" : "Without rotation",
      `point ${count(selection.point)} sees ${share} by level ${level}`,
    ];
  }
  const title = rotated ? `Turned by ${rotate}° before it is cut` : "The ball tree";
  if (colour === "splits") return [title, `${plural(2 ** halvings, "part")} after ${plural(halvings, "cut")}`];
  const { balls, points } = tree.levels[level];
  return [
    title,
    `level ${level}: ${plural(balls, "ball")} of ${cloud.clouds > 1 ? "up to " : ""}${plural(points, "point")}`,
  ];
}

function showLegend({ settings, selection, attention, values, cloud }: Shown): void {
  const legend = byId("legend");
  const entries: HTMLElement[] = [];
  if (attention) {
    entries.push(element("span", {}, "weight"), rampOf(attention.range));
  } else if (selection) {
    for (let level = 0; level <= settings.level; level++) {
      entries.push(element("span", {}, swatchOf(levelColours[level]), `from level ${level}`));
    }
  } else if (values) {
    entries.push(element("span", {}, settings.colour.slice("field:".length)), rampOf(values.range));
    if (values.hasGaps) entries.push(gapsEntry());
  } else if (settings.colour === "cloud") {
    for (let index = 0; index < Math.min(8, cloud.clouds); index++) {
      entries.push(element("span", {}, swatchOf(palette[(3 * index) % palette.length]), `cloud ${index}`));
    }
  }
  legend.replaceChildren(...entries);
  legend.hidden = entries.length === 0;
}

function showSelection({ selection, tree, cloud, settings }: Shown): void {
  const place = byId("selection");
  if (!selection) {
    place.replaceChildren(element("p", { className: "small muted" }, "Click a point, or type its number."));
    return;
  }
  const levels = tree.levels.length;
  const [plain, rotated] = [selection.reachedAt, selection.reachedWithRotationAt].map((at) => seenByLevel(at, levels));
  const rows = selection.balls.map(({ ball, rotatedBall }, level) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, String(level)),
      ...[ball.length, rotatedBall.length, plain[level], rotated[level]].map((value) =>
        element("td", { className: "number" }, count(value)),
      ),
    ),
  );
  const heads = ["Level", "In its ball", "In the rotated ball", "Sees", "Sees with rotation"];
  const table = element(
    "table",
    {},
    element("caption", {}, `How many points meet point ${count(selection.point)}`),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows),
  );
  const share = figure((100 * rotated[levels - 1]) / cloud.points);
  const text =
    settings.rotate === 0
      ? `By the last level it sees ${figure((100 * plain[levels - 1]) / cloud.points)} % of all points.`
      : `By the last level it sees ${share} % of all points; without rotation ${figure((100 * plain[levels - 1]) / cloud.points)} %.`;
  place.replaceChildren(
    element(
      "div",
      { className: "table-frame", tabIndex: 0, role: "region", "aria-label": "Points of each level" },
      table,
    ),
    element("p", { className: "small" }, text),
  );
}
