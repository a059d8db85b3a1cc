// Says so when a script of the page cannot be loaded, which leaves a page whose buttons do nothing. It is loaded as a plain script, and
// imports nothing.

addEventListener(
  "error",
  // The page's modules are run, or fail, when the document is complete.
  ({ target }) => {
    if (target instanceof HTMLScriptElement) document.getElementById("incomplete")!.hidden = false;
  },
  // Errors of loading do not bubble.
  true,
);
