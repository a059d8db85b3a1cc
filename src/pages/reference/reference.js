// TypeDoc puts links into the summaries of its folding lists, where screen readers cannot reach them. This script makes each link
// the first entry of its list. Lists are created when the page is loaded, and later.

function moveLinks() {
  for (const link of document.querySelectorAll("summary.tsd-accordion-summary a")) {
    // The list of the page's sections contains these addresses, too.
    if (link.classList.contains("tsd-anchor-icon")) {
      link.remove();
      continue;
    }
    const summary = /** @type {HTMLElement} */ (link.closest("summary"));
    const title = document.createElement("span");
    title.append(...link.cloneNode(true).childNodes);
    link.replaceWith(title);
    link.textContent = `${title.textContent.trim()}: all`;
    const list = summary.nextElementSibling?.querySelector("ul");
    if (list) list.prepend(Object.assign(document.createElement("li"), { className: "tsd-overview" }));
    (list?.firstElementChild ?? summary.nextElementSibling)?.prepend(link);
  }
}

new MutationObserver(moveLinks).observe(document, { childList: true, subtree: true });
addEventListener("DOMContentLoaded", moveLinks);
