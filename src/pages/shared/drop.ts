// Accepts files that are dropped anywhere on a page.

/** @param zone is highlighted while something is dragged over the page */
export function acceptDrops(take: (dropped: DataTransfer) => void, zone: HTMLElement = document.body): void {
  const mark = (over: boolean) => zone.classList.toggle("drop-target", over);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", () => mark(false));
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    if (event.dataTransfer) take(event.dataTransfer);
  });
}
