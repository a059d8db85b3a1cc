// Tables of plain text.

/** Lines of cells in columns, each as wide as its widest cell; numbers stand to the right, with commas between thousands. */
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
        const text = texts[r]![column]!;
        return typeof cell === "number" ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
      })
      .join("  ")
      .trimEnd(),
  );
}
