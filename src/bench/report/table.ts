// Formats tables of plain text.

/** Returns the rows as lines with aligned columns; numbers are right-aligned, with commas between thousands. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : cell)));
  const widths: number[] = [];
  for (const row of texts) {
    row.forEach((text, column) => {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    });
  }
  return rows.map((row, r) =>
    row
      .map((cell, column) => {
        const text = texts[r][column];
        return typeof cell === "number" ? text.padStart(widths[column]) : text.padEnd(widths[column]);
      })
      .join("  ")
      .trimEnd(),
  );
}
