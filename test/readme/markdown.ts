// What a Markdown file holds that can be checked, besides code: tables and links.

/** The tables that have a column of this name: each row as its cells by column. */
export function tableRows(text: string, column: string): Record<string, string>[] {
  const tables = text.match(/(?:^\|.*\|\n)+/gm) ?? [];
  return tables.flatMap((table) => {
    const [columns, , ...rows] = table.trimEnd().split("\n").map(cells);
    if (!columns.includes(column)) return [];
    return rows.map((row) => Object.fromEntries(row.map((cell, i) => [columns[i], cell])));
  });
}

const cells = (line: string) =>
  line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());

/** Where the links and pictures lead. */
export const linkTargets = (text: string) =>
  [...text.matchAll(/\]\(([^)\s]+)\)|<(?:img|source) [^>]*\bsrc(?:set)?="([^"]+)"/g)].map(
    ([, link, picture]) => link ?? picture,
  );

/** The name by which a link reaches a heading, as GitHub makes it. */
export const anchors = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
