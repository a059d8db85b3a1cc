// Says so when a script of the page cannot be loaded, and when it fails where nobody has reckoned with it, so that no page stands still
// without a word. It is loaded as a plain script, and imports nothing. Browsers load no modules from a file that was opened without a
// server.

const NEEDS_SERVER = "This page needs a server, such as “npm run site” starts: browsers do not run it from a file.";

/** @param text undefined for what the page's HTML says */
function showProblem(text?: string): void {
  const notice = document.getElementById("incomplete")!;
  // What comes after the first problem mostly follows from it.
  if (!notice.hidden) return;
  if (text !== undefined) notice.textContent = text;
  notice.hidden = false;
}

function showError(message: string): void {
  const reason = message.replace(/^Uncaught Error: /, "");
  const hasBegun = "erwinPage" in globalThis;
  if (hasBegun) showProblem(`Something on this page has failed: ${reason}. Reload the page to go on.`);
  else showProblem(`This page does not work in this browser: ${reason}.`);
}

addEventListener(
  "error",
  // The page's modules are run, or fail, when the document is complete.
  (event: Event) => {
    // Without its value it is the error of a worker, of which whoever waits for that tells, or the browser's remark on a layout.
    if (event instanceof ErrorEvent && event.error) showError(event.message);
    else if (event.target instanceof HTMLScriptElement)
      showProblem(location.protocol === "file:" ? NEEDS_SERVER : undefined);
  },
  // Errors of loading do not bubble.
  true,
);
addEventListener("unhandledrejection", ({ reason }) => {
  const { message, name } = (reason ?? {}) as Partial<Error>;
  showError(message || name || String(reason));
});
