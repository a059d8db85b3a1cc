// Keeps the screen on during long work.

/** Keeps the screen on if the browser allows it, because devices slow down before they sleep; returns a function that ends this. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  let ended = false;
  const ask = async () => {
    try {
      lock = await navigator.wakeLock?.request("screen");
      if (ended) await lock?.release();
    } catch {
      // The browser refuses if there is no screen, or the battery is low.
    }
  };
  // The browser releases the lock when the page is hidden.
  const again = () => {
    if (!document.hidden) void ask();
  };
  void ask();
  document.addEventListener("visibilitychange", again);
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", again);
    void lock?.release();
  };
}
