// Accepts files that are dropped anywhere on a page, or chosen.

import { byId } from "./dom.ts";

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

/** @param ids those of the page's file inputs @param take receives what is chosen, also before this call */
export function acceptChoices(ids: readonly string[], take: (files: File[]) => void): void {
  for (const id of ids) {
    const input = byId<HTMLInputElement>(id);
    const takeChosen = () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      if (files.length > 0) take(files);
    };
    input.addEventListener("change", takeChosen);
    // Someone may have chosen files before the library had arrived.
    takeChosen();
  }
}
