// The first word of the command line says which role this process has.
// A role loads what it needs and no more: a gateway process has no use for the parsers of configurations.

const USAGE = `venturi: an LLM gateway

  venturi serve [--config venturi.yaml] [--host H] [--port N] [--workers N] [--data DIR]
      run the gateway; without a file the providers come from the environment
  venturi check [--config F]
      validate a configuration
  venturi import litellm|portkey|bifrost FILE [-o venturi.yaml] [--force]
      turn another gateway's configuration into one of this gateway, and say what could not be carried over
  venturi schema
      print the configuration's JSON Schema
  venturi usage [--by FIELD,...] [--since T] [--until T] [--format table|json|csv] [--flush] [--data DIR]
      what was used and what it cost
  venturi experiments [--since T] [--until T] [--route R] [--format table|json] [--data DIR]
      what tests and shadows have shown, arm by arm
  venturi quality [--model PROVIDER/MODEL] [--json] [--data DIR]
      how models answer, beside how they used to
  venturi logs [--request ID [--content]] [--since T] [--limit N] [--follow] [--data DIR]
      calls, one JSON object a line
  venturi content [--json] | delete [--id ID] [--tenant T [--user U]] [--before 7d] [--all] [--data DIR]
      what is kept of prompts and answers, and its removal
  venturi explain [FILE] [--endpoint PATH] [--key K] [--header "NAME: VALUE"] [--url URL | --data DIR] [--json]
      what would happen to a request (FILE, or - for stdin), and why; nothing is sent
  venturi replay ID [--model M] [--json] [--data DIR]
      make a kept call again, perhaps of another model, and show what is different
  venturi regress --set FILE --model M [--concurrency 4] [--json] [--data DIR] | save --set FILE [--since T] [--limit N] …
      whether a model still answers a set of calls as it did; makes such a set of kept calls
  venturi replay --config new.yaml [--since T] [--until T] [--json] [--data DIR]
      what another configuration would have made of the ledger's calls
  venturi keys create --name N [--tenant T] [--team T] [--tier T] [--models a,b] [--rpm N] [--tpm N] … [--expires 30d]
  venturi keys list [--format table|json] | revoke NAME | rotate NAME [--overlap 24h]
      the stored keys of clients, in force at once; each accepts --data DIR
  venturi cache stats | purge [--tenant T] [--model M] [--tag T] [--key K] [--all] [--data DIR]
      the kept answers
  venturi drill --fail provider=NAME [--model M] [--status 503|timeout|cut] --for 60s | list | stop [ID] [--data DIR]
      make a provider fail for a while without sending it anything, so that fallbacks can be rehearsed
  venturi top [--every 2] [--once] [--json] [--data DIR]
      what the gateway does, redrawn in place
  venturi ui [--data DIR]
      a link that opens the dashboard of the gateway that runs there
  venturi audit [verify] [--since T] [--data DIR]
      what was changed and by whom; whether the record of it is intact
  venturi upgrade [PROGRAM] [--data DIR]
      let another version take over from the gateway that runs; no call is lost
  venturi build [--target NAME] [--output FILE]
      make one executable with everything in it
  venturi doctor [--config F] [--data DIR] [--json]
      whether this host is fit for the gateway, and what to change
  venturi backup DIR [--with-cache] [--data DIR] | backup --verify DIR
      copy all that must not be lost, while a gateway runs; whether such a copy is intact
  venturi restore DIR [--replace] [--data DIR]
      put such a copy into a data folder
  venturi prices update [FILE|URL] [--data DIR]
      take over new prices
  venturi prices show MODEL [--config F] [--data DIR]
      what a model would be charged
`;

type Command = (args: readonly string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./cli/serve.ts")).serve,
  check: async () => (await import("./cli/check.ts")).check,
  import: async () => (await import("./cli/import.ts")).importConfig,
  schema: async () => (await import("./cli/schema.ts")).schema,
  usage: async () => (await import("./cli/usage.ts")).usage,
  experiments: async () => (await import("./cli/experiments.ts")).experiments,
  quality: async () => (await import("./cli/quality.ts")).quality,
  logs: async () => (await import("./cli/logs.ts")).logs,
  content: async () => (await import("./cli/content.ts")).content,
  explain: async () => (await import("./cli/explain/explain.ts")).explain,
  replay: async () => (await import("./cli/replay/replay.ts")).replay,
  regress: async () => (await import("./cli/regress/regress.ts")).regress,
  keys: async () => (await import("./cli/keys.ts")).keys,
  cache: async () => (await import("./cli/cache.ts")).cache,
  drill: async () => (await import("./cli/drill.ts")).drill,
  top: async () => (await import("./cli/top.ts")).top,
  ui: async () => (await import("./cli/ui.ts")).ui,
  audit: async () => (await import("./cli/audit.ts")).audit,
  upgrade: async () => (await import("./cli/upgrade.ts")).upgrade,
  build: async () => (await import("./cli/build/build.ts")).build,
  doctor: async () => (await import("./cli/doctor/doctor.ts")).doctor,
  backup: async () => (await import("./cli/backup/backup.ts")).backup,
  restore: async () => (await import("./cli/backup/restore.ts")).restore,
  prices: async () => (await import("./cli/prices.ts")).prices,
};

export {};

const [command = "help", ...args] = process.argv.slice(2);

if (command === "gateway" && process.connected) {
  const { runGatewayProcess } = await import("./gateway/process.ts");
  runGatewayProcess();
} else if (command === "inference" && process.connected) {
  const { runInferenceProcess } = await import("./inference/process.ts");
  const { loadBuiltinEmbedder } = await import("./inference/embedders/builtin/embedder.ts");
  const { loadBuiltinNer } = await import("./inference/ner/ner.ts");
  runInferenceProcess(loadBuiltinEmbedder, loadBuiltinNer);
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
