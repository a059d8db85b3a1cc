// Whether the page is visible: browsers do not give devices to hidden pages, or take them away again.

/** In a worker, the last state that its page has reported. */
let toldVisible = true;
const waiting = new Set<() => void>();

/** Whether this page is visible; true if there is no page. */
export const isVisible = (): boolean => toldVisible && globalThis.document?.visibilityState !== "hidden";

/** Used in a worker: sets the state that its page has reported. */
export function setVisible(visible: boolean): void {
  toldVisible = visible;
  if (!visible) return;
  for (const resolve of waiting) resolve();
  waiting.clear();
}

/** Resolves at once, or when the page becomes visible. */
export async function whenVisible(): Promise<void> {
  while (!isVisible()) {
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      globalThis.document?.addEventListener("visibilitychange", () => resolve(), { once: true });
    });
  }
}
