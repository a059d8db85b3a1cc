// Draws the memory of a soak: the heap of each host, and the memory that its device has reserved.

const [width, height, left, top, right, bottom] = [760, 240, 56, 24, 270, 32];
const colours = ["#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#525252"];

/**
 * @param {readonly { host: string, samples: readonly import("./rounds.mjs").SoakSample[] }[]} results
 * @returns {string} an SVG picture
 */
export function drawMemory(results) {
  const lines = results.flatMap(({ host, samples }) => [
    { name: `${host}, heap`, dash: "", points: samples.map(({ round, heap = 0 }) => [round, heap / 2 ** 20]) },
    { name: `${host}, device`, dash: "4 3", points: samples.map(({ round, reserved }) => [round, reserved / 2 ** 20]) },
  ]);
  const all = lines.flatMap(({ points }) => points);
  const most = Math.max(...all.map(([, bytes]) => bytes));
  const x = (/** @type {number} */ share) => left + (width - left - right) * share;
  const y = (/** @type {number} */ value) => height - bottom - ((height - top - bottom) * value) / most;
  const label = (/** @type {number} */ at, /** @type {number} */ line, /** @type {string} */ text, anchor = "start") =>
    `<text x="${at.toFixed(0)}" y="${line.toFixed(0)}" text-anchor="${anchor}">${text}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#525252">`,
    "<title>Memory in a soak, in MiB by round</title>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<path d="M${left} ${top}V${height - bottom}H${width - right}" fill="none" stroke="#a3a3a3"/>`,
    label(left - 6, y(most) + 4, `${most.toFixed(0)} MiB`, "end"),
    label(left - 6, y(0) + 4, "0", "end"),
    label(width - right, height - bottom + 16, "the last of each host's rounds", "end"),
    ...lines.flatMap(({ name, dash, points }, i) => {
      const [rounds] = /** @type {number[]} */ (points.at(-1));
      const path = points.map(([round, value]) => `${x(round / rounds).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      const colour = colours[Math.floor(i / 2) % colours.length];
      const stroke = `stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dash || "none"}"`;
      const line = top + 8 + 16 * i;
      return [
        `<polyline points="${path}" fill="none" ${stroke}/>`,
        `<path d="M${width - right + 8} ${line - 4}h14" ${stroke}/>`,
        label(width - right + 28, line, name),
      ];
    }),
    "</svg>",
    "",
  ].join("\n");
}
