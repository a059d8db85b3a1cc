// Reads a LAZ file damaged at every so many of its places, and prints as JSON how many of these files gave all their points, how many
// were refused, and what else came of the others. A process of its own, of the built library alone: each file has an instance of
// laz-perf, whose memory makes the garbage collector look at all objects again and again, and the tests' own process has many.
//
//   node test/formats/laz/damaged.mjs FILE EVERY

import { readFileSync } from "node:fs";

const built = (/** @type {string} */ name) => import(new URL(`../../../dist/${name}.js`, import.meta.url).href);
const [{ FormatError }, { loadLaz }] = [await built("erwin"), await built("formats")];
const [path, every] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(path));

/** @param {number} at @param {number} mask */
function changed(at, mask) {
  const copy = bytes.slice();
  copy[at] ^= mask;
  return copy;
}

/** The file cut off after each of its bytes, and with each of them changed in two ways. */
const places = Array.from({ length: bytes.length }, (_, at) => at);
const damages = [
  ...places.map((at) => () => bytes.slice(0, at)),
  ...places.flatMap((at) => [0x01, 0x80].map((mask) => () => changed(at, mask))),
];

/** @type {{ whole: number, refused: number, wrong: string[] }} */
const found = { whole: 0, refused: 0, wrong: [] };
for (let number = 0; number < damages.length; number += Number(every)) {
  try {
    const { positions } = await loadLaz(damages[number]());
    if (positions.every(Number.isFinite)) found.whole++;
    else found.wrong.push(`${number}: a position is not finite`);
  } catch (error) {
    if (error instanceof FormatError) found.refused++;
    else found.wrong.push(`${number}: ${/** @type {Error} */ (error).stack}`);
  }
}
console.log(JSON.stringify(found));
