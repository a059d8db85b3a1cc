// Work that waits for a visible page waits until the page reports to its worker that it is visible.

import { expect, test } from "vitest";
import { setVisible, whenVisible } from "../../src/host/visibility.ts";

test("a worker waits until its page is visible again", async () => {
  await whenVisible();
  setVisible(false);
  let visible = false;
  const waiting = whenVisible().then(() => {
    visible = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(visible).toBe(false);
  setVisible(true);
  await waiting;
  expect(visible).toBe(true);
});
