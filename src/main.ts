#!/usr/bin/env bun
// The door: the first word of the command line says which role this process has.

import { check } from "./cli/check.ts";
import { schema } from "./cli/schema.ts";
import { serve } from "./cli/serve.ts";
import { runGatewayProcess } from "./gateway/process.ts";

const USAGE = `venturi: an LLM gateway

  venturi serve [--config venturi.yaml] [--host H] [--port N] [--workers N] [--data DIR]
      run the gateway; without a file the providers come from the environment
  venturi check [--config F]
      validate a configuration
  venturi schema
      print the configuration's JSON Schema
`;

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  serve,
  check,
  schema,
};

const [command = "help", ...args] = process.argv.slice(2);

if (command === "gateway" && process.connected) {
  runGatewayProcess();
} else if (COMMANDS[command] !== undefined) {
  try {
    process.exitCode = await COMMANDS[command](args);
  } catch (error) {
    console.error(`venturi ${command}: this failed by a fault of the program:`, error);
    process.exitCode = 1;
  }
  process.exit();
} else {
  const is_help = ["help", "--help", "-h"].includes(command);
  (is_help ? console.log : console.error)(
    is_help ? USAGE : `venturi: unknown command "${command}"\n\n${USAGE}`,
  );
  process.exit(is_help ? 0 : 2);
}
