// The settings of the page, and their form in its address.

export interface Settings {
  /** The name of a sample; "" for the user's own file. */
  sample: string;
  view: "both" | "tree" | "rotated";
  /** "balls", "splits", "cloud", "plain", or "field:" and the name of a field. */
  colour: string;
  level: number;
  /** The number of halvings of the root, if the parts after halvings are shown. */
  halvings: number;
  apart: boolean;
  merged: boolean;
  spheres: boolean;
  graph: "none" | "file" | "neighbours";
  ballSize: number;
  stride: number;
  levels: number;
  rotate: number;
  blocks: number;
  up: "y" | "z";
  /** The selected point; undefined for none. */
  point: number | undefined;
  /** What the selection shows: its receptive field, or the attention in its ball. */
  show: "field" | "attention";
  /** The block of the level and the head, if attention is shown. */
  block: number;
  head: number;
  /** The camera: rotated about the vertical axis and tilted, in degrees, and its distance. */
  turn: number;
  tilt: number;
  distance: number;
}

const samples = ["bunny", "cosmology", "cars", "polymer", "flow", "galaxy"] as const;
export const ballSizes = [8, 16, 32, 64, 128, 256, 512, 1024];
export const strides = [1, 2, 4, 8];
export const maxLevels = 6;
/** The number of heads in the model whose attention is shown. */
export const attentionHeads = 4;

export const defaults: Settings = {
  sample: "bunny",
  view: "both",
  colour: "balls",
  level: 0,
  halvings: 3,
  apart: false,
  merged: false,
  spheres: false,
  graph: "none",
  ballSize: 256,
  stride: 2,
  levels: 4,
  rotate: 45,
  blocks: 2,
  up: "y",
  point: undefined,
  show: "field",
  block: 0,
  head: 0,
  turn: -24,
  tilt: 12,
  distance: 3.3,
};

const oneOf =
  <Value>(values: readonly Value[]) =>
  (text: string, fallback: Value) =>
    values.find((value) => String(value) === text) ?? fallback;
const between = (low: number, high: number, digits: number) => (text: string, fallback: number) => {
  const value = text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Number(Math.max(low, Math.min(high, value)).toFixed(digits)) : fallback;
};
const flag = oneOf([true, false]);
const point = (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const colour = (text: string, fallback: string) =>
  /^(balls|splits|cloud|plain)$|^field:./.test(text) ? text : fallback;

const readers: { [Name in keyof Settings]: (text: string, fallback: Settings[Name]) => Settings[Name] } = {
  sample: oneOf<string>(["", ...samples]),
  view: oneOf(["both", "tree", "rotated"]),
  colour,
  level: between(0, maxLevels - 1, 0),
  halvings: between(0, 30, 0),
  apart: flag,
  merged: flag,
  spheres: flag,
  graph: oneOf(["none", "file", "neighbours"]),
  ballSize: oneOf(ballSizes),
  stride: oneOf(strides),
  levels: between(1, maxLevels, 0),
  rotate: between(0, 90, 0),
  blocks: between(1, 6, 0),
  up: oneOf(["y", "z"]),
  point,
  show: oneOf(["field", "attention"]),
  block: between(0, 5, 0),
  head: between(0, attentionHeads - 1, 0),
  turn: between(-3600, 3600, 1),
  tilt: between(-90, 90, 1),
  distance: between(0.05, 50, 2),
};

/** Reads settings from an address's query. Missing and invalid ones get their defaults. */
export function readSettings(query: string): Settings {
  const parameters = new URLSearchParams(query);
  const entries = Object.entries(readers).map(([name, read]) => {
    const fallback = defaults[name as keyof Settings];
    const text = parameters.get(name);
    return [name, text === null ? fallback : (read as (text: string, fallback: unknown) => unknown)(text, fallback)];
  });
  return Object.fromEntries(entries) as Settings;
}

/** Returns the query for `readSettings`, without settings that have their defaults. */
export function writeSettings(settings: Settings): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined && value !== defaults[name as keyof Settings]) parameters.set(name, String(value));
  }
  const query = parameters.toString();
  return query ? `?${query}` : "";
}
