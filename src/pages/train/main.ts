import { startPage } from "../shared/page.ts";

await startPage();
