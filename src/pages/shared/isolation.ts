// Makes the page cross-origin isolated where its host's headers do not: by a service worker that adds them.

import { scriptUrl } from "./trusted.ts";

/** The page does not wait longer than this for the service worker. */
const PATIENCE_MS = 4000;
const RELOADED = "erwin-reloaded-for-isolation";

/**
 * Resolves when it is known whether this page is isolated; it may reload the page before. Without isolation, as on hosts without
 * https and in some private windows, the engine runs on one thread.
 */
export async function settleIsolation(): Promise<void> {
  if (crossOriginIsolated) return forgetReload();
  const { serviceWorker } = navigator;
  // If a service worker already controls the page and the page is still not isolated, a reload would not help.
  if (!serviceWorker || serviceWorker.controller || wasReloaded()) return;
  const controlled = new Promise<boolean>((resolve) => {
    serviceWorker.addEventListener("controllerchange", () => resolve(true), { once: true });
    setTimeout(() => resolve(false), PATIENCE_MS);
  });
  try {
    const { active } = await serviceWorker.register(scriptUrl("./service-worker.js"));
    // One that is active already was passed over, as by a reload with the shift key: it does not take over before the next.
    if (!active && !(await controlled)) return;
  } catch {
    return;
  }
  // The reload is recorded in the history, so that it happens only once.
  history.replaceState({ ...history.state, [RELOADED]: true }, "");
  location.reload();
  await new Promise<never>(() => {});
}

const wasReloaded = () => history.state?.[RELOADED] === true;

/** It has helped, and may be needed again. */
function forgetReload(): void {
  if (wasReloaded()) history.replaceState({ ...history.state, [RELOADED]: false }, "");
}
