// The rows of a table as text, and their cells. A quoted cell may hold separators, doubled quotes and line breaks (RFC 4180).

import { parseNonFinite, splitWords } from "../bytes/text.ts";

/** Returns what separates the cells of a table with such a first line; undefined for white space. */
export function separatorOf(line: string): string | undefined {
  const outside = line.replaceAll(/"[^"]*"/g, "");
  return [";", ",", "\t"].find((candidate) => outside.includes(candidate));
}

/** A number with a comma before its decimals. */
const decimalComma = /^([-+]?\d*),(\d+(?:e[-+]?\d+)?)$/i;

/**
 * Whether a table's first row has numbers, not the columns' names: "nan" and "inf" may be either, so one of its cells must be a
 * number.
 */
export const hasNumbers = (cells: readonly string[], isNumber: (cell: string) => boolean): boolean =>
  cells.some(isNumber) && cells.every((cell) => isNumber(cell) || parseNonFinite(cell) !== undefined);

/** Whether a table has commas before decimals: only where its cells are separated by semicolons is it clear that they are meant so. */
export const mayHaveDecimalCommas = (separator: string | undefined): boolean => separator === ";";

/** Returns a number with a point in place of its decimal comma; undefined for a cell without one. */
export const withDecimalPoint = (cell: string): string | undefined => {
  const [, whole, rest] = decimalComma.exec(cell) ?? [];
  return rest === undefined ? undefined : `${whole}.${rest}`;
};

/** Returns the text of a line that is a comment: after #, COMSOL's % or CloudCompare's //; undefined for other lines. */
export const commentOf = (line: string): string | undefined => /^\s*(?:#|%|\/\/)(.*)/s.exec(line)?.[1];

/** Returns a function that splits a row into cells. */
export function splitBy(separator: string | undefined): (row: string) => string[] {
  // R quotes names between spaces, too.
  if (separator === undefined)
    return (row) =>
      row.includes('"')
        ? Array.from(row.matchAll(/"([^"]*)"(?=\s|$)|\S+/g), ([word, inner]) => inner ?? word)
        : splitWords(row);
  // A tab is white space, but not where it separates cells.
  const space = `[^\\S${separator}]*`;
  // Runs are matched as a whole: one by one, the letters of a long cell would take more stack than there is.
  const inQuotes = `"([^"]*(?:""[^"]*)*)"${space}(?=${separator}|$)`;
  const quoted = new RegExp(`${separator}${space}(?:${inQuotes}|([^${separator}]*))`, "g");
  return (row) => {
    if (!row.includes('"')) return row.split(separator).map((cell) => cell.trim());
    // With a separator before the first cell, too, none is matched by nothing.
    const cells = (separator + row).matchAll(quoted);
    return Array.from(cells, ([, inner, plain]) => inner?.replaceAll('""', '"') ?? plain.trim());
  };
}

/**
 * Whether a row goes on in the next line, because a quoted cell has not ended.
 * @param isOpen whether a quoted cell has not ended at the line's beginning
 */
export function goesOn(line: string, separator: string | undefined, isOpen: boolean): boolean {
  if (separator === undefined || !line.includes('"')) return isOpen;
  let isInQuotes = isOpen;
  let isCellEmpty = !isOpen;
  let hasJustEnded = false;
  for (const character of line) {
    if (isInQuotes) {
      isInQuotes = character !== '"';
      hasJustEnded = !isInQuotes;
      continue;
    }
    // A doubled quote ends the quotes and begins them again. Within other cells a quote is a character like any other: 5".
    isInQuotes = character === '"' && (isCellEmpty || hasJustEnded);
    hasJustEnded = false;
    isCellEmpty = character === separator || (isCellEmpty && !isInQuotes && character.trim() === "");
  }
  return isInQuotes;
}
