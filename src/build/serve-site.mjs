// Builds the pages where needed and serves them on this machine, cross-origin isolated.
//
//   node src/build/serve-site.mjs [--port 4173]
import { readArguments } from "./arguments.mjs";
import { build } from "./build.mjs";
import { main } from "./run.mjs";
import { sendSiteFile, serve } from "./serve-dist.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  const { values } = readArguments({ options: { port: { type: "string", default: "4173" } } });
  await setup();
  await build({ reference: true });
  const { url } = await serve((request, response) => sendSiteFile(request, response), Number(values.port));
  console.log(`The pages are at ${url} until this is ended (Ctrl+C).`);
});
