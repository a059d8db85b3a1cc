// Draws how balls partition a cloud, as an SVG of dots from far to near: one panel for each partition, every ball in a colour
// that differs from its neighbours'.

import { chooseColours, hexOf, palette } from "../../drawing/colours.ts";
import { escaped } from "../../drawing/svg.ts";

/** One panel. */
export interface PicturePanel {
  title: string;
  /** The ball of each point, counted from 0. */
  ballOf: Int32Array;
}

export interface PictureRow {
  title: string;
  explanation: string;
  panels: readonly PicturePanel[];
}

export interface PictureOptions {
  title: string;
  explanation: string;
  /** [n, 3]; the second axis points up. */
  positions: Float32Array;
  /** [n, 3], unit length: points that face away are left out, and light falls from the upper left. */
  normals: Float32Array;
  rows: readonly PictureRow[];
}

const theme = {
  background: "#10141f",
  panel: "#171d2b",
  border: "#273044",
  title: "#f3f5fa",
  text: "#a7b0c4",
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
};
const panelWidth = 400;
const panelHeight = 372;
const gap = 20;
const margin = 32;
const headHeight = 104;
const rowHeadHeight = 62;
const footHeight = 24;

/** Steps of depth (what is nearer is drawn later) and of light: each ball is one path per pair. */
const depthSteps = 24;
const lightSteps = 8;
/** Dots have integer coordinates on a grid finer than a pixel by this factor, which keeps the file small. */
const subpixels = 4;
const dotSize = 3.1;

/** Camera: turned about the upright axis, then tilted, in radians; a mild perspective. */
const turn = -0.42;
const tilt = 0.2;
const cameraDistance = 4.2;

interface View {
  /** [n] in subpixels of a panel. */
  x: Int32Array;
  y: Int32Array;
  /** [n] step of depth, 0 the farthest; -1 for a point that faces away. */
  depth: Int8Array;
  /** [n] step of light, 0 the darkest. */
  light: Int8Array;
}

/** Draws all panels of one cloud from the same side. */
export function drawBalls({ title, explanation, positions, normals, rows }: PictureOptions): string {
  const view = project(positions, normals);
  const columns = Math.max(...rows.map((row) => row.panels.length));
  const width = 2 * margin + columns * panelWidth + (columns - 1) * gap;
  const height = headHeight + rows.length * (rowHeadHeight + panelHeight) + (rows.length - 1) * gap + footHeight;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${theme.font}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="14" fill="${theme.background}"/>`,
    label(margin, 54, 28, theme.title, title, 650),
    label(margin, 84, 15.5, theme.text, explanation),
  ];
  rows.forEach((row, r) => {
    const top = headHeight + r * (rowHeadHeight + panelHeight + gap);
    parts.push(label(margin, top + 26, 18, theme.title, row.title, 600));
    parts.push(label(margin, top + 48, 14, theme.text, row.explanation));
    row.panels.forEach((panel, c) => {
      parts.push(drawPanel(panel, positions, view, margin + c * (panelWidth + gap), top + rowHeadHeight));
    });
  });
  return `${parts.join("\n")}\n</svg>\n`;
}

function drawPanel(panel: PicturePanel, positions: Float32Array, view: View, left: number, top: number): string {
  const colours = chooseColours(panel.ballOf, positions);
  const paths = new Map<number, string[]>();
  const balls = colours.length;
  for (let i = 0; i < panel.ballOf.length; i++) {
    if (view.depth[i] < 0) continue;
    const key = (view.depth[i] * balls + panel.ballOf[i]) * lightSteps + view.light[i];
    const dots = paths.get(key);
    const dot = `M${view.x[i]} ${view.y[i]}h0`;
    if (dots) dots.push(dot);
    else paths.set(key, [dot]);
  }
  const drawn = [...paths]
    .sort(([a], [b]) => a - b)
    .map(([key, dots]) => {
      const colour = palette[colours[Math.floor(key / lightSteps) % balls]];
      return `<path stroke="${shade(colour, key % lightSteps)}" d="${dots.join("")}"/>`;
    });
  return [
    `<rect x="${left}" y="${top}" width="${panelWidth}" height="${panelHeight}" rx="10" fill="${theme.panel}" stroke="${theme.border}"/>`,
    `<g transform="translate(${left} ${top}) scale(${1 / subpixels})" fill="none" stroke-width="${dotSize * subpixels}" stroke-linecap="round">`,
    ...drawn,
    "</g>",
    label(left + 16, top + panelHeight - 16, 14, theme.title, panel.title, 500),
  ].join("\n");
}

/** Points in panel coordinates, the cloud's bounding box centred and fitted in. */
function project(positions: Float32Array, normals: Float32Array): View {
  const count = positions.length / 3;
  const { centre, radius } = boundingSphere(positions);
  const [sinTurn, cosTurn, sinTilt, cosTilt] = [Math.sin(turn), Math.cos(turn), Math.sin(tilt), Math.cos(tilt)];
  /** To the right, upwards, towards the camera. */
  const rotate = (x: number, y: number, z: number) => {
    const forward = cosTurn * z - sinTurn * x;
    return [cosTurn * x + sinTurn * z, cosTilt * y - sinTilt * forward, sinTilt * y + cosTilt * forward];
  };
  const x = new Float32Array(count);
  const y = new Float32Array(count);
  const z = new Float32Array(count);
  const light = new Int8Array(count);
  const depth = new Int8Array(count);
  for (let i = 0; i < count; i++) {
    const at = i * 3;
    const [right, up, near] = rotate(
      (positions[at] - centre[0]) / radius,
      (positions[at + 1] - centre[1]) / radius,
      (positions[at + 2] - centre[2]) / radius,
    );
    const scale = cameraDistance / (cameraDistance - near);
    [x[i], y[i], z[i]] = [right * scale, up * scale, near];
    const [facingRight, facingUp, facing] = rotate(normals[at], normals[at + 1], normals[at + 2]);
    // The line of sight to a point off the axis is slanted a little.
    const towards = facing - (facingRight * right + facingUp * up) / cameraDistance;
    depth[i] = towards > -0.05 ? 0 : -1;
    const brightness = 0.1 + 0.3 * facing + 0.62 * Math.max(0, -0.45 * facingRight + 0.7 * facingUp + 0.55 * facing);
    light[i] = Math.max(0, Math.min(lightSteps - 1, Math.floor(brightness * lightSteps)));
  }
  const [minX, maxX] = range(x);
  const [minY, maxY] = range(y);
  const [minZ, maxZ] = range(z);
  const usableHeight = panelHeight - 72;
  const zoom = Math.min((panelWidth - 64) / (maxX - minX || 1), usableHeight / (maxY - minY || 1)) * subpixels;
  for (let i = 0; i < count; i++) {
    if (depth[i] === 0)
      depth[i] = Math.min(depthSteps - 1, Math.floor(((z[i] - minZ) / (maxZ - minZ || 1)) * depthSteps));
  }
  return {
    x: Int32Array.from(x, (value) => Math.round((panelWidth / 2) * subpixels + (value - (minX + maxX) / 2) * zoom)),
    y: Int32Array.from(y, (value) =>
      Math.round((20 + usableHeight / 2) * subpixels - (value - (minY + maxY) / 2) * zoom),
    ),
    depth,
    light,
  };
}

function boundingSphere(positions: Float32Array): { centre: number[]; radius: number } {
  const bounds = [0, 1, 2].map((d) => range(positions.filter((_, i) => i % 3 === d)));
  const radius = Math.hypot(...bounds.map(([low, high]) => high - low)) / 2 || 1;
  return { centre: bounds.map(([low, high]) => (low + high) / 2), radius };
}

function range(values: Float32Array): [number, number] {
  return [
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
}

/** Darker towards blue, lighter towards white, as daylight does. */
function shade(colour: readonly number[], step: number): string {
  const brightness = step / (lightSteps - 1);
  const [ground, amount] =
    brightness < 0.75 ? [[20, 24, 52], (0.75 - brightness) * 0.9] : [[255, 255, 255], (brightness - 0.75) * 0.9];
  return hexOf(colour.map((channel, c) => Math.round(channel + (ground[c] - channel) * amount)));
}

function label(x: number, y: number, size: number, colour: string, text: string, weight = 400): string {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${colour}">${escaped(text)}</text>`;
}
