// The button that pauses a run. A pause waits for what is under way, which a device that hangs never ends: after a while, the button
// ends the run at once instead.

import { byId } from "../shared/dom.ts";

/** A pause that takes longer than this can be cut short. */
const PATIENCE_MS = 3000;

type State = "ready" | "waiting" | "late";

export class PauseButton {
  readonly element = byId<HTMLButtonElement>("pause");
  #state: State = "ready";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param pause called by a click @param end called by one that no longer waits for the pause */
  constructor(pause: () => void, end: () => void) {
    this.element.addEventListener("click", ({ detail }) => {
      // The second click of a double click on the button in whose place this one appeared.
      if (detail > 1) return;
      if (this.#state === "ready") pause();
      else if (this.#state === "late") end();
    });
  }

  /** Shows that the run is about to pause. */
  wait(): void {
    this.#show("waiting");
    byId("status").textContent = "Pausing when what is under way has ended: a step, or the loading.";
    this.#timer = setTimeout(() => {
      this.#show("late");
      byId("status").textContent =
        "Still waiting for the device. “End now” does not wait: what was done since the last checkpoint is lost.";
    }, PATIENCE_MS);
  }

  /** Shows the button of a run that is not about to pause. */
  reset(): void {
    this.#show("ready");
  }

  #show(state: State): void {
    clearTimeout(this.#timer);
    this.#state = state;
    this.element.textContent = state === "late" ? "End now" : "Pause";
    // It keeps the focus, which a button with `disabled` loses.
    this.element.setAttribute("aria-disabled", String(state === "waiting"));
  }
}
