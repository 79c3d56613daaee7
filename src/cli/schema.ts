// `venturi schema`: prints the JSON Schema of the configuration.
// An editor that is given it completes keys and marks mistakes as one types.

import { editorSchema } from "../config/editor.ts";

/** Prints the schema to standard output. Returns the exit code. */
export async function schema(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    console.error(`venturi schema takes no arguments, but was given ${JSON.stringify(args[0])}`);
    return 2;
  }
  console.log(JSON.stringify(editorSchema(), null, 2));
  return 0;
}
