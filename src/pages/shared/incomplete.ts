// Says so when a script of the page cannot be loaded, or fails before the page has begun, which leaves a page whose buttons do nothing.
// It is loaded as a plain script, and imports nothing.

addEventListener(
  "error",
  // The page's modules are run, or fail, when the document is complete.
  (event) => {
    const notLoaded = event.target instanceof HTMLScriptElement;
    // After that, a page's parts tell their own errors.
    if (!notLoaded && "erwinPage" in globalThis) return;
    const notice = document.getElementById("incomplete")!;
    if (!notLoaded) notice.textContent = `This page does not work in this browser: ${event.message}.`;
    notice.hidden = false;
  },
  // Errors of loading do not bubble.
  true,
);
