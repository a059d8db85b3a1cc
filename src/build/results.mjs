// Puts measured results into a README, between two comments that mark their place.
import { readFileSync, writeFileSync } from "node:fs";
import { CommandError } from "./run.mjs";

const place = /(<!-- results: begin[^\n]* -->\n).*(<!-- results: end -->)/s;

/**
 * Returns a README with these results in the place of those that it has.
 * @param {string} readme
 * @param {string} results
 */
export function withResults(readme, results) {
  if (!place.test(readme))
    throw new CommandError('finding "<!-- results: begin -->" and "<!-- results: end -->" in the README', null);
  return readme.replace(place, (_, begin, end) => `${begin}\n${results}\n\n${end}`);
}

/**
 * @param {string} file a README
 * @param {string} results
 */
export function putResults(file, results) {
  writeFileSync(file, withResults(readFileSync(file, "utf8"), results));
}
