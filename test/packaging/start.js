// What the pages of pages.mjs begin with: it says, where the page's address asks for it, where the library's files are.
import { setAssets } from "erwin";
import { say } from "./say.js";

const wishes = new URLSearchParams(location.search);
const isolated = wishes.get("isolated") === "true";
if (wishes.has("assets")) setAssets(wishes.get("assets"));
if (crossOriginIsolated === isolated) import("./main.js");
else say(`cross-origin isolated: ${crossOriginIsolated}, expected ${isolated}`);
