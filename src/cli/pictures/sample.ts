// Draws a sample of a data set as an SVG: a panel for the inputs and one for the targets, coloured by a value.

import { type Colour, colourAt, hexOf } from "../../drawing/colours.ts";
import { escaped } from "../../drawing/svg.ts";
import type { SamplePanel, SamplePicture } from "../../experiments/generator.ts";

const WIDTH = 860;
const MARGIN = 24;
const GAP = 20;
const PANEL = (WIDTH - 2 * MARGIN - GAP) / 2;
const HEAD = 78;
/** The heights above a panel, and below it for the colour scale. */
const PANEL_HEAD = 34;
const PANEL_FOOT = 56;
/** The space around the contents of a panel. */
const PADDING = 18;
const COLOURS = 24;
const TEXT = "#a7b0c4";
const TITLE = "#f3f5fa";
/** The colours from the least value to the largest: blue, grey, orange, with the same lightness on both sides of the middle. */
const STOPS: readonly Colour[] = [
  [74, 144, 255],
  [120, 128, 150],
  [255, 150, 60],
];

/** Draws the panels side by side, with the same scale if they show the same points. */
export function drawSample({ title, explanation, panels }: SamplePicture): string {
  const heights = panels.map(({ points }) => fit(points).height);
  const height = HEAD + PANEL_HEAD + Math.max(...heights) + PANEL_FOOT + MARGIN;
  const parts = [
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" rx="12" fill="#10141f"/>`,
    label(MARGIN, 36, title, { size: 20, colour: TITLE, weight: 650 }),
    label(MARGIN, 60, explanation),
    ...panels.map((panel, i) => drawPanel(panel, MARGIN + i * (PANEL + GAP), height - HEAD - MARGIN)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif">\n${parts.join("\n")}\n</svg>\n`;
}

/** Returns the mapping from a panel's own units to pixels, and the height in pixels. */
function fit(points: Float32Array) {
  const bounds = [0, 1].map((axis) => {
    const values = points.filter((_, i) => i % 2 === axis);
    const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    return { least, extent: values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least };
  });
  const inside = PANEL - 2 * PADDING;
  const zoom = inside / Math.max(bounds[0].extent, bounds[1].extent, Number.MIN_VALUE);
  const height = zoom * bounds[1].extent + 2 * PADDING;
  const x = (value: number) => PANEL / 2 + (value - bounds[0].least - bounds[0].extent / 2) * zoom;
  const y = (value: number) => height - PADDING - (value - bounds[1].least) * zoom;
  return { x, y, height };
}

function drawPanel(panel: SamplePanel, left: number, height: number): string {
  const { points, values, scale } = panel;
  const place = fit(points);
  const shown = height - PANEL_HEAD - PANEL_FOOT;
  const at = (point: number) => [place.x(points[2 * point]), place.y(points[2 * point + 1])] as const;
  const step = (value: number) =>
    Math.max(0, Math.min(COLOURS - 1, Math.floor(((value - scale.least) / (scale.most - scale.least)) * COLOURS)));
  const lines = panel.lines ?? new Int32Array();
  const joined = Array.from({ length: lines.length / 2 }, (_, i) =>
    segment(at(lines[2 * i]), at(lines[2 * i + 1])),
  ).join("");
  const parts = [
    `<rect width="${PANEL}" height="${height}" rx="10" fill="#171d2b" stroke="#273044"/>`,
    label(PADDING, 23, panel.title, { colour: TITLE, weight: 500 }),
    `<g transform="translate(0 ${PANEL_HEAD + (shown - place.height) / 2})" stroke-linecap="round" stroke-linejoin="round">`,
    `<path stroke="#5b6680" stroke-width="2" d="${joined}"/>`,
    ...(panel.triangles ? drawTriangles(panel.triangles, values, at, step) : drawDots(values, at, step)),
    ...(panel.arrows ? [drawArrows(panel.arrows, panel, place)] : []),
    "</g>",
    drawScale(scale, height - PANEL_FOOT),
  ];
  return `<g transform="translate(${left} ${HEAD})">\n${parts.join("\n")}\n</g>`;
}

type Place = readonly [number, number];

/** Consecutive points of the same colour become one path, which keeps the file small. */
function drawDots(values: Float32Array, at: (point: number) => Place, step: (value: number) => number): string[] {
  const size = Math.max(3, Math.min(9, 100 / Math.sqrt(values.length)));
  const dots = Array.from(values, (value, point) => ({ colour: step(value), path: `M${pair(at(point))}h0` }));
  return joinRuns(dots).map(
    ({ colour, path }) => `<path stroke="${colourOf(colour)}" stroke-width="${size.toFixed(1)}" d="${path}"/>`,
  );
}

function drawTriangles(
  triangles: Int32Array,
  values: Float32Array,
  at: (point: number) => Place,
  step: (value: number) => number,
): string[] {
  const drawn = Array.from({ length: triangles.length / 3 }, (_, i) => {
    const corners = triangles.subarray(3 * i, 3 * i + 3);
    const mean = corners.reduce((sum, corner) => sum + values[corner], 0) / 3;
    const [a, b, c] = [...corners].map((corner) => pair(at(corner)));
    return { colour: step(mean), path: `M${a}L${b} ${c}z` };
  });
  // Triangles do not overlap, so all triangles of a colour can be drawn together; their outline hides the seams between them.
  return joinRuns(drawn.sort((a, b) => a.colour - b.colour)).map(
    ({ colour, path }) =>
      `<path fill="${colourOf(colour)}" stroke="${colourOf(colour)}" stroke-width="0.6" d="${path}"/>`,
  );
}

function joinRuns(paths: readonly { colour: number; path: string }[]): { colour: number; path: string }[] {
  const runs: { colour: number; path: string }[] = [];
  for (const { colour, path } of paths) {
    const last = runs.at(-1);
    if (last?.colour === colour) last.path += path;
    else runs.push({ colour, path });
  }
  return runs;
}

/** Draws arrows as lines; the dot at the beginning distinguishes the two ends. */
function drawArrows(arrows: Float32Array, { points }: SamplePanel, { x, y }: ReturnType<typeof fit>): string {
  const path = Array.from({ length: points.length / 2 }, (_, point) => {
    const [right, up] = points.subarray(2 * point, 2 * point + 2);
    return segment([x(right), y(up)], [x(right + arrows[2 * point]), y(up + arrows[2 * point + 1])]);
  });
  return `<path stroke="#f3f5fa" stroke-opacity="0.75" stroke-width="1.1" d="${path.join("")}"/>`;
}

function drawScale({ least, most, what }: SamplePanel["scale"], top: number): string {
  const width = PANEL - 2 * PADDING;
  const cells = Array.from(
    { length: COLOURS },
    (_, i) =>
      `<rect x="${(PADDING + (i * width) / COLOURS).toFixed(1)}" y="${top}" width="${(width / COLOURS + 0.5).toFixed(1)}" height="8" fill="${colourOf(i)}"/>`,
  );
  return [
    ...cells,
    label(PADDING, top + 27, String(least)),
    label(PADDING + width, top + 27, String(most), { anchor: "end" }),
    label(PADDING + width / 2, top + 27, what, { anchor: "middle" }),
  ].join("");
}

const colourOf = (step: number) => hexOf(colourAt(step / (COLOURS - 1), STOPS));

const pair = ([x, y]: Place) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const segment = (from: Place, to: Place) => `M${pair(from)}L${pair(to)}`;

function label(
  x: number,
  y: number,
  text: string,
  { size = 13, colour = TEXT, weight = 400, anchor = "start" } = {},
): string {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}">${escaped(text)}</text>`;
}
