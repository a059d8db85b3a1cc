// A reporter of Vitest that writes the current test into the file $ERWIN_TEST_PROGRESS whenever one begins or ends; test.mjs ends a
// runner whose file stays the same for too long.
import { writeFileSync } from "node:fs";

let count = 0;

/** @param {string} place */
function note(place) {
  writeFileSync(process.env.ERWIN_TEST_PROGRESS ?? "", `${place} (event ${++count})`);
}

export default class Progress {
  /** @param {import("vitest/node").TestModule} file */
  onTestModuleQueued(file) {
    note(`${file.relativeModuleId}, which is being loaded`);
  }

  /** @param {import("vitest/node").TestModule} file */
  onTestModuleStart(file) {
    note(`${file.relativeModuleId}, before its first test`);
  }

  /** @param {import("vitest/node").TestCase} test */
  onTestCaseReady(test) {
    note(`${test.module.relativeModuleId}, test "${test.fullName}"`);
  }

  /** @param {import("vitest/node").TestCase} test */
  onTestCaseResult(test) {
    note(`${test.module.relativeModuleId}, after test "${test.fullName}"`);
  }

  /** @param {import("vitest/node").TestModule} file */
  onTestModuleEnd(file) {
    note(`the end of ${file.relativeModuleId}`);
  }
}
