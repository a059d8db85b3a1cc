// The store in the browser's private file system; test/firefox has the same in Firefox.

import { expect, it } from "vitest";
import { problemsOf, visitFolder } from "./directory-work.ts";

it("a folder of the private file system is predicted once by two processes, and files are created once by page and worker", async () => {
  expect(problemsOf(await visitFolder())).toEqual([]);
});
