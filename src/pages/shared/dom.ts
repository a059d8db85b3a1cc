// Creates and finds elements.

type Child = Node | string | number | undefined | false;

/** Creates an element with properties and children. Attributes that are not properties begin with "aria-" or "data-", or are `role`. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> & { [attribute: `aria-${string}` | `data-${string}`]: string } = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (/^(aria-|data-|role$)/.test(key)) made.setAttribute(key, String(value));
    else Object.assign(made, { [key]: value });
  }
  for (const child of children)
    if (child !== undefined && child !== false) made.append(typeof child === "number" ? String(child) : child);
  return made;
}

/** The element with this id. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found as Kind;
}

/** Returns the current value of one of the styles' colours, such as "--accent", in a form that canvases accept. */
export function colourOf(name: `--${string}`): string {
  const probe = element("span");
  probe.style.color = `var(${name})`;
  // Canvases tell their curves apart by colours, also where the system has few for all else.
  probe.style.forcedColorAdjust = "none";
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
