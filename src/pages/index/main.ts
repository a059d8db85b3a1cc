// The first page, which introduces the others and computes nothing.

import { startPage } from "../shared/page.ts";
import "./index.css";

await startPage();
