// Which point a click on a stage means.

/** A click that moves farther than this many pixels is a turn. */
const CLICK_PIXELS = 6;
/** How far from a point a click may be, in pixels. */
const PICK_PIXELS = 12;

/** Calls back with the place of each click on the canvas, in pixels from its upper left. */
export function listenForClicks(canvas: HTMLCanvasElement, onClick: (x: number, y: number) => void): void {
  let down: { x: number; y: number } | undefined;
  canvas.addEventListener("pointerdown", ({ isPrimary, button, offsetX: x, offsetY: y }) => {
    down = isPrimary && button === 0 ? { x, y } : undefined;
  });
  canvas.addEventListener("pointerup", ({ offsetX: x, offsetY: y }) => {
    if (down && Math.hypot(x - down.x, y - down.y) <= CLICK_PIXELS) onClick(x, y);
    down = undefined;
  });
}

/**
 * The point that a click means: of those near it the nearest to the camera, unless others are much nearer to the click.
 * @param projected [points, 3] in pixels, and the depth
 * @param pixels how many pixels a point is wide at a depth of 1
 */
export function pointAt(x: number, y: number, projected: Float32Array, pixels: number): number | undefined {
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < projected.length; at += 3) {
    const away = Math.hypot(projected[at] - x, projected[at + 1] - y);
    const depth = projected[at + 2];
    if (away > PICK_PIXELS || depth <= 0) continue;
    // Within its own disc a point counts by its depth alone.
    const beside = Math.max(0, away - pixels / depth / 2) / PICK_PIXELS;
    const cost = depth + 0.6 * beside;
    if (cost < least) [least, best] = [cost, at / 3];
  }
  return best;
}
