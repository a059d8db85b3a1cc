// Runs the tests of mixed precision on matrix units: in Node, through the npm package webgpu, on the software adapter of a Mesa
// that has them (26 or later; Debian's unstable release, in a folder of its own).
//
//   node src/build/matrix-units.mjs [FILE-FILTER ...]
import { build } from "./build.mjs";
import { inRoot, prepareRoot } from "./debian-root.mjs";
import { main, run } from "./run.mjs";
import { setup } from "./setup.mjs";
import { root } from "./steps.mjs";

const debian = {
  suite: "sid",
  purpose: "mesa",
  size: "two minutes, 1 GB",
  packages: ["mesa-vulkan-drivers", "libvulkan1", "nodejs"],
};

const driver = "/usr/share/vulkan/icd.d/lvp_icd.json";
const environment = ["XDG_RUNTIME_DIR=/tmp", `VK_DRIVER_FILES=${driver}`, "NO_COLOR=1"];

await main(async () => {
  await setup((programs) => build({ programs }));
  await prepareRoot(debian);
  const filters = process.argv.slice(2);
  const vitest = ["node", "node_modules/vitest/vitest.mjs", "run", "--project", "dawn", ...filters];
  const [program, ...args] = inRoot(debian, [root], ["env", ...environment, ...vitest]);
  run(program, args);
});
