// Accepts files that are dropped anywhere on a page.

/** @param zone is highlighted while something is dragged over the page */
export function acceptDrops(take: (dropped: DataTransfer) => void, zone: HTMLElement = document.body): void {
  const mark = (over: boolean) => zone.classList.toggle("drop-target", over);
  // Text that is dragged, such as within a field, is the browser's.
  const filesOf = ({ dataTransfer }: DragEvent) => (dataTransfer?.types.includes("Files") ? dataTransfer : undefined);
  addEventListener("dragover", (event) => {
    if (!filesOf(event)) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", () => mark(false));
  addEventListener("drop", (event) => {
    const files = filesOf(event);
    if (!files) return;
    event.preventDefault();
    mark(false);
    take(files);
  });
}
