// What moves on its own, where visitors do not mind.

export const prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The pixels of an element that show that it is there. */
const GLIMPSE = 80;

/**
 * Scrolls to what an action shows if all of it is below the window, as on narrow screens, where results follow the form: whoever does
 * something there would see nothing of it. Where it is seen, nothing moves below the pointer.
 */
export function bringIntoView(element: Element): void {
  if (element.getBoundingClientRect().top <= innerHeight - GLIMPSE) return;
  // At once: a click that comes meanwhile would miss what it is meant for.
  element.scrollIntoView({ block: "nearest" });
}
