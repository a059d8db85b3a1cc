// The first page: what there is to see. It runs nothing.

import { startPage } from "../shared/page.ts";
import "./index.css";

await startPage();
