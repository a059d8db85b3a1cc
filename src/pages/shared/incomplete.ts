// Says so when a script of the page cannot be loaded, or fails before the page has begun, which leaves a page whose buttons do nothing.
// It is loaded as a plain script, and imports nothing. Browsers load no modules from a file that was opened without a server.

const NEEDS_SERVER = "This page needs a server, such as “npm run site” starts: browsers do not run it from a file.";

addEventListener(
  "error",
  // The page's modules are run, or fail, when the document is complete.
  (event) => {
    const notice = document.getElementById("incomplete")!;
    if (event.target instanceof HTMLScriptElement) {
      if (location.protocol === "file:") notice.textContent = NEEDS_SERVER;
    } else if (event instanceof ErrorEvent && !("erwinPage" in globalThis)) {
      notice.textContent = `This page does not work in this browser: ${event.message}.`;
    } else {
      // A page that has begun tells its own errors.
      return;
    }
    notice.hidden = false;
  },
  // Errors of loading do not bubble.
  true,
);
