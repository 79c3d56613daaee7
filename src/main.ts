#!/usr/bin/env bun
// The door: the first word of the command line says which role this process has.
// A role loads what it needs and no more: a gateway process has no use for the parsers of configurations.

const USAGE = `venturi: an LLM gateway

  venturi serve [--config venturi.yaml] [--host H] [--port N] [--workers N] [--data DIR]
      run the gateway; without a file the providers come from the environment
  venturi check [--config F]
      validate a configuration
  venturi schema
      print the configuration's JSON Schema
`;

type Command = (args: readonly string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./cli/serve.ts")).serve,
  check: async () => (await import("./cli/check.ts")).check,
  schema: async () => (await import("./cli/schema.ts")).schema,
};

export {};

const [command = "help", ...args] = process.argv.slice(2);

if (command === "gateway" && process.connected) {
  const { runGatewayProcess } = await import("./gateway/process.ts");
  runGatewayProcess();
} else if (COMMANDS[command] !== undefined) {
  try {
    const run = await COMMANDS[command]();
    process.exitCode = await run(args);
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
