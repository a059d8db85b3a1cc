// Draws loss curves as an SVG picture: steps on the horizontal axis, the loss on a logarithmic vertical one.

import { escaped } from "../../drawing/svg.ts";

export interface Curve {
  name: string;
  /** [step, loss] */
  points: readonly (readonly [number, number])[];
}

const WIDTH = 860;
const HEIGHT = 460;
const LEFT = 76;
const RIGHT = 24;
const TOP = 74;
const BOTTOM = 56;
const NAME_HEIGHT = 16;
const COLOURS = ["#5aa9ff", "#ff9d4d", "#6fdc8c", "#d98cff", "#ffd84d", "#ff7d9c"];
const TEXT = "#c9d1e3";

/** @param references labelled horizontal lines, such as the loss of a trivial predictor; only finite losses above 0 are drawn */
export function drawCurves(
  title: string,
  curves: readonly Curve[],
  references: readonly { name: string; loss: number }[] = [],
): string {
  const all = curves.flatMap(({ points }) => points).filter(([, loss]) => isDrawn(loss));
  const across = references.filter(({ loss }) => isDrawn(loss));
  const losses = [...all.map(([, loss]) => loss), ...across.map(({ loss }) => loss)];
  const lastStep = all.reduce((last, [step]) => Math.max(last, step), 1);
  const least = losses.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = losses.reduce((a, b) => Math.max(a, b), 0);
  const marks = marksAround(least, most);
  const [low, high] = [Math.log10(marks[0]), Math.log10(marks[marks.length - 1])];
  const x = (step: number) => LEFT + (step / lastStep) * (WIDTH - LEFT - RIGHT);
  const y = (loss: number) => TOP + ((high - Math.log10(loss)) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * lastStep));
  const parts = [
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="12" fill="#10141f"/>`,
    `<text x="${LEFT}" y="34" font-size="19" font-weight="650" fill="#f3f5fa">${escaped(title)}</text>`,
    ...marks.map((loss) => line(LEFT, y(loss), WIDTH - RIGHT, y(loss), "#2a3247")),
    ...marks.map((loss) => label(LEFT - 10, y(loss) + 4, textOf(loss), "end")),
    ...ticks.map((step) => label(x(step), HEIGHT - BOTTOM + 24, String(step), "middle")),
    label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "step", "middle"),
  ];
  const falling = [...across].sort((one, other) => other.loss - one.loss);
  parts.push(...falling.map(({ loss }) => line(LEFT, y(loss), WIDTH - RIGHT, y(loss), TEXT, "6 5")));
  for (const { height, names } of namesAt(falling.map(({ name, loss }) => ({ name, height: y(loss) })))) {
    parts.push(label(WIDTH - RIGHT, height - 6, names.join(", "), "end"));
  }
  let legend = LEFT;
  curves.forEach(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points
      .filter(([, loss]) => isDrawn(loss))
      .map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`);
    parts.push(
      `<polyline points="${path.join(" ")}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>`,
    );
    parts.push(line(legend, 54, legend + 22, 54, colour), label(legend + 28, 58, name, "start"));
    legend += 48 + name.length * 7;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="13">\n${parts.join("\n")}\n</svg>\n`;
}

/** Returns the labelled losses, which enclose all others: powers of ten; within about a decade 1, 2 and 5 times these, too. */
function marksAround(least: number, most: number): number[] {
  // If there is no loss to draw, the scale shows one decade.
  if (most === 0) return [1, 10];
  const steps = most / least < 20 ? [1, 2, 5] : [1];
  const powers: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) powers.push(power);
  const all = powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)));
  const first = all.filter((mark) => mark <= least).length - 1;
  const last = all.findIndex((mark) => mark >= most);
  return all.slice(first, Math.max(last, first + 1) + 1);
}

/** Labels of lines, from the top down. Lines that are too close for a label each share one, at the upper line. */
function namesAt(lines: readonly { name: string; height: number }[]): { names: string[]; height: number }[] {
  const groups: { names: string[]; height: number }[] = [];
  for (const { name, height } of lines) {
    const last = groups.at(-1);
    if (last && height - last.height < NAME_HEIGHT) last.names.push(name);
    else groups.push({ names: [name], height });
  }
  return groups;
}

const textOf = (loss: number) => (loss < 1e-3 || loss >= 1e4 ? loss.toExponential() : String(loss));

/** Whether a loss can be drawn on a logarithmic scale. */
const isDrawn = (loss: number) => loss > 0 && Number.isFinite(loss);

function line(x1: number, y1: number, x2: number, y2: number, colour: string, dashes?: string): string {
  const dashed = dashes ? ` stroke-dasharray="${dashes}"` : "";
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}" stroke-width="1.5"${dashed}/>`;
}

function label(x: number, y: number, text: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${TEXT}" text-anchor="${anchor}">${escaped(text)}</text>`;
}
