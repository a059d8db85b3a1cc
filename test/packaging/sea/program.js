// A program in one file says where the library's files are: beside it.
import { dirname, join } from "node:path";
import { setAssets } from "erwin";

setAssets(join(dirname(process.execPath), "erwin"));
import("./main.js");
