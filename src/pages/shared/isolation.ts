// Makes the page cross-origin isolated where its host's headers do not: by a service worker that adds them.

import { scriptUrl } from "./trusted.ts";

/** A service worker that takes longer is done without. */
const PATIENCE_MS = 4000;
const RELOADED = "erwin-reloaded-for-isolation";

/**
 * Resolves when it is settled whether this page is isolated; the page may be loaded anew before. Without isolation, as on hosts
 * without https and in some private windows, the engine runs on one thread.
 */
export async function settleIsolation(): Promise<void> {
  if (crossOriginIsolated) return;
  const { serviceWorker } = navigator;
  // A page that a service worker controls and that is not isolated for all that will not be after another load either.
  if (!serviceWorker || serviceWorker.controller || wasReloaded()) return;
  const controlled = new Promise<boolean>((resolve) => {
    serviceWorker.addEventListener("controllerchange", () => resolve(true), { once: true });
    setTimeout(() => resolve(false), PATIENCE_MS);
  });
  try {
    await serviceWorker.register(scriptUrl("./service-worker.js"));
  } catch {
    return;
  }
  if (!(await controlled)) return;
  // Noted in the history, so that the page is not loaded again and again.
  history.replaceState({ ...history.state, [RELOADED]: true }, "");
  location.reload();
  await new Promise<never>(() => {});
}

const wasReloaded = () => history.state?.[RELOADED] === true;
