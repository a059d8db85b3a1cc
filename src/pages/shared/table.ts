// Tables with a caption, in a frame that scrolls if they are too wide.

import { element } from "./dom.ts";

type Cell = string | Node | undefined;

export interface Column<Row> {
  title: string;
  /** Whether the column is right-aligned, as numbers are. */
  number?: boolean;
  cell: (row: Row) => Cell;
}

/** Makes a table whose first column names the rows. Columns that are empty in all rows are left out. */
export function table<Row>(caption: string, rows: readonly Row[], columns: readonly Column<Row>[]): HTMLElement {
  const cells = columns.map(({ cell }) => rows.map(cell));
  const filled = columns.map((_, i) => i === 0 || cells[i]!.some((cell) => cell !== undefined && cell !== ""));
  const shown = columns.flatMap((column, i) => (filled[i] ? [{ ...column, cells: cells[i]! }] : []));
  const align = ({ number }: { number?: boolean }) => (number ? "number" : "");
  const head = element(
    "thead",
    {},
    element(
      "tr",
      {},
      ...shown.map((column) => element("th", { scope: "col", className: align(column) }, column.title)),
    ),
  );
  const body = element("tbody");
  rows.forEach((_, i) => {
    body.append(
      element(
        "tr",
        {},
        ...shown.map((column, c) => {
          const cell = column.cells[i] ?? "–";
          return c === 0 ? element("th", { scope: "row" }, cell) : element("td", { className: align(column) }, cell);
        }),
      ),
    );
  });
  const made = element("table", {}, element("caption", {}, caption), head, body);
  return element("div", { className: "table-frame", tabIndex: 0, role: "region", ariaLabel: caption }, made);
}
