// The surface between the points of a grid: triangles, in several resolutions.

export interface Surface {
  /** [triangles, 3] The points at the corners: first of the finest resolution, then of others with ever fewer. */
  corners: Uint32Array;
  /** How many corners each resolution has, from the finest on. */
  counts: number[];
  /** The value of each point that is drawn; undefined where each has its own. Those of a cell are drawn at several points. */
  rows?: Int32Array;
}

/** More quads than this show no more on a screen: of larger grids every second point is left out, or more of them. */
const MOST_QUADS = 2 ** 21;
/** The coarsest resolution has no more than these. */
const LEAST_QUADS = 2 ** 11;
/** How far apart the ends of a line may be to be neighbours, in distances of its other neighbours. */
const CLOSED = 1.5;
/** What is nearer on the stage is the same place, as all points at a pole are. */
const SAME = 1e-6;

/**
 * Returns the surface of a grid with two axes, others having one point alone; undefined for other grids. It is closed where a line of
 * the grid ends beside its beginning, as on a globe.
 * @param sizes the number of points along each axis; they follow one another along the last
 * @param places [points, 3] on the stage
 */
export function surfaceOf(sizes: readonly number[], places: Float32Array): Surface | undefined {
  const [rows, columns, ...others] = sizes.filter((size) => size > 1);
  if (columns === undefined || others.length > 0) return undefined;
  const [down, right] = [
    { points: rows, step: columns, lines: columns, lineStep: 1 },
    { points: columns, step: 1, lines: rows, lineStep: columns },
  ].map((axis) => ({ ...axis, isClosed: isClosed(axis, places) }));
  const resolutions: Uint32Array[] = [];
  for (let stride = 1; ; stride *= 2) {
    const [ofRows, ofColumns] = [down, right].map((axis) => stopsOf(axis, stride));
    const quads = (ofRows.length - 1) * (ofColumns.length - 1);
    if (quads <= MOST_QUADS) resolutions.push(cornersBetween(ofRows, ofColumns));
    if (quads <= LEAST_QUADS) break;
  }
  const corners = new Uint32Array(resolutions.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const resolution of resolutions) {
    corners.set(resolution, at);
    at += resolution.length;
  }
  return { corners, counts: resolutions.map(({ length }) => length) };
}

/** An axis of the grid: lines of points, whose numbers are `step` apart; `lineStep` leads from a line to the next. */
interface Axis {
  points: number;
  step: number;
  lines: number;
  lineStep: number;
}

/** Whether all lines along an axis end beside their beginning. Those of a flat grid never do. */
function isClosed({ points, step, lines, lineStep }: Axis, places: Float32Array): boolean {
  if (points < 3) return false;
  const distance = (a: number, b: number) =>
    Math.hypot(
      places[3 * a] - places[3 * b],
      places[3 * a + 1] - places[3 * b + 1],
      places[3 * a + 2] - places[3 * b + 2],
    );
  for (let line = 0; line < lines; line++) {
    const first = line * lineStep;
    const last = first + (points - 1) * step;
    const nearest = Math.min(distance(first, first + step), distance(last - step, last));
    if (distance(first, last) > CLOSED * nearest + SAME) return false;
  }
  return true;
}

/** Returns the first point's number along an axis, then those every `stride` points, and the last: of a closed line the first again. */
function stopsOf({ points, step, isClosed }: Axis & { isClosed: boolean }, stride: number): number[] {
  const stops: number[] = [];
  for (let point = 0; point < points - 1; point += stride) stops.push(point * step);
  stops.push((points - 1) * step);
  return isClosed ? [...stops, 0] : stops;
}

function cornersBetween(rows: readonly number[], columns: readonly number[]): Uint32Array {
  const corners = new Uint32Array(6 * (rows.length - 1) * (columns.length - 1));
  let at = 0;
  for (let row = 1; row < rows.length; row++) {
    for (let column = 1; column < columns.length; column++) {
      const [above, below] = [rows[row - 1], rows[row]];
      const [left, right] = [columns[column - 1], columns[column]];
      corners[at++] = above + left;
      corners[at++] = below + left;
      corners[at++] = above + right;
      corners[at++] = above + right;
      corners[at++] = below + left;
      corners[at++] = below + right;
    }
  }
  return corners;
}
