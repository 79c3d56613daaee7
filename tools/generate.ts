// Writes what is made of other files: the editors' JSON Schema, the reference of the configuration, the notices for the work of others.
// Usage: npm run generate (after a change of the schema or of package-lock.json)

import { writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { editorSchema } from "../src/config/editor.ts";
import { configurationReference } from "./configuration_reference.ts";
import { thirdPartyNotices } from "./third_party_notices.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const FILES = {
  "venturi.schema.json": `${JSON.stringify(editorSchema(), null, 2)}\n`,
  "docs/configuration.md": configurationReference(),
  THIRD_PARTY_NOTICES: thirdPartyNotices(),
};

for (const [name, text] of Object.entries(FILES)) {
  writeFileSync(join(root, name), text);
  console.log(name);
}
const biome = join(root, "node_modules/.bin/biome");
process.exitCode = Bun.spawnSync([biome, "format", "--write", join(root, "venturi.schema.json")]).exitCode;
