// Keys of a stage, which hold while its canvas has the focus.

/** Does the action of each key that is pressed; with a modifier, keys are the browser's. */
export function connectKeys(canvas: HTMLCanvasElement, actions: Readonly<Record<string, () => void>>): void {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]!();
  });
}
