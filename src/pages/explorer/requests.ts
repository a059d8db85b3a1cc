// What the page's settings ask of the worker, and which settings its answers allow.

import type { BuiltTree, Colouring, Cut, OpenedCloud, OpenedModel, TreeSettings } from "./protocol.ts";
import { attentionHeads, defaults, type Settings } from "./settings.ts";

/** Returns the settings that determine the tree. */
export const treeSettings = ({ ballSize, stride, levels, rotate }: Settings): TreeSettings => ({
  ballSize,
  stride,
  levels,
  rotate,
});

/** Expresses a model's tree as settings as far as they can; its levels may differ. */
export const treeOfModel = ({ ballSizes, strides, rotate }: OpenedModel): TreeSettings => ({
  ballSize: ballSizes[0],
  stride: strides[0] ?? 1,
  levels: ballSizes.length,
  rotate: Math.round(rotate),
});

/** Returns the settings, limited to what this cloud and its tree allow. */
export function fitting(
  settings: Settings,
  cloud: OpenedCloud,
  tree: BuiltTree,
  model: OpenedModel | undefined,
): Settings {
  const { colour, graph, point, view, rotate } = settings;
  const known = !colour.startsWith("field:") || cloud.fields.includes(colour.slice("field:".length));
  const level = Math.min(settings.level, tree.levels.length - 1);
  return {
    ...settings,
    level,
    block: Math.min(settings.block, (model?.blocks[level] ?? settings.blocks) - 1),
    head: Math.min(settings.head, (model?.heads[level] ?? attentionHeads) - 1),
    halvings: Math.min(settings.halvings, tree.splits),
    colour: known ? colour : defaults.colour,
    graph: graph === "file" && !cloud.hasEdges ? "none" : graph,
    point: point !== undefined && point < cloud.points ? point : undefined,
    view: rotate === 0 ? "tree" : view,
  };
}

/** Returns the partition around whose parts spheres are drawn. */
export function cutOf({ colour, level, halvings }: Settings): Cut {
  return colour === "splits" ? { halvings } : { level };
}

/** Returns what determines the colours of points. */
export function colouringOf(settings: Settings): Colouring {
  const { colour } = settings;
  if (colour === "balls" || colour === "splits") return cutOf(settings);
  if (colour.startsWith("field:")) return { field: colour.slice("field:".length) };
  return colour === "cloud" ? { cloud: true } : { plain: true };
}
