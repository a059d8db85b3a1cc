// Keeps the screen on during long work.

/** Keeps the screen on where the browser allows it, since devices slow down before they sleep; returns what ends that. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  let ended = false;
  const ask = async () => {
    try {
      lock = await navigator.wakeLock?.request("screen");
      if (ended) await lock?.release();
    } catch {
      // Without a screen, or with little battery, there is none.
    }
  };
  // A hidden page loses it.
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
