// The page's place for what went wrong, beside what it shows.

import { byId, element } from "./dom.ts";
import { sentence } from "./format.ts";
import { reasonOf } from "./reason.ts";

/** Shows a message in place of the one before; without a text, none. */
export function say(kind?: "bad" | "warn", text?: string): void {
  byId("message").replaceChildren(...(text ? [element("p", { className: `notice ${kind}` }, text)] : []));
}

/** Does one of the page's actions; a failure is shown. */
export async function saying(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    say("bad", sentence(reasonOf(error)));
  }
}
