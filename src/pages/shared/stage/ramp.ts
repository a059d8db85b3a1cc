// The legend of values that are shown as colours.

import { type Colour, colourAt } from "../../../drawing/colours.ts";
import { element } from "../dom.ts";
import { figure } from "../format.ts";
import { NO_VALUE, type Range } from "./paint.ts";

const STOPS = 7;

/** Makes the scale of colours, with the values at its ends; of an empty range it says so. */
export function rampOf([low, high]: Range): HTMLElement {
  if (low > high) return element("span", { className: "scale" }, "no finite value");
  const ramp = element("i", { className: "ramp" });
  const stops = Array.from({ length: STOPS + 1 }, (_, step) => `rgb(${colourAt(step / STOPS).join(" ")})`);
  ramp.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  return element("span", { className: "scale" }, figure(low), ramp, figure(high));
}

/** Makes the dot that stands for a colour. */
export function swatchOf(colour: Colour): HTMLElement {
  const dot = element("i", { className: "swatch" });
  dot.style.background = `rgb(${colour.join(" ")})`;
  return dot;
}

/** Makes the entry for what has no value. @param meaning why it has none */
export const gapsEntry = (meaning = "no value"): HTMLElement =>
  element("span", { className: "scale" }, swatchOf(NO_VALUE), meaning);
