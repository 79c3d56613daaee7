// Other gateways on the same rows: Portkey from npm when asked for, LiteLLM and Bifrost where they are installed.
// None is a dependency; what is missing is left out with a message.

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureCalls } from "./calls.ts";
import { findProgram } from "./machine.ts";
import { onStage, type Part } from "./part.ts";
import { rowOfSize } from "./plain.ts";
import { measureSingle } from "./single.ts";
import { measurePaced } from "./sse.ts";
import { CLIENT_KEY, HAPROXY, type Program, VENTURI, writeConfig } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

const PORTKEY_PACKAGE = "@portkey-ai/gateway@1.15.2";
/** Where it is installed; kept, so that a second run needs no network. */
const PORTKEY_FOLDER = join(tmpdir(), "venturi-bench-peers");
const PORTKEY_MAIN = join(PORTKEY_FOLDER, "node_modules/@portkey-ai/gateway/build/start-server.js");
/** A gateway in Python takes its time to start. */
const SLOW_START_MS = 60_000;
/** LiteLLM does not start without one. */
const LITELLM_KEY = `sk-${CLIENT_KEY}`;
const NO_KEY = "authorization: Bearer none\r\n";

/** Portkey on one of two runtimes: with the packages that npm installs for it today, it answers streams with 500 on Node. */
function portkey(name: string, runtime: () => string | null): Program {
  return {
    name,
    command: (port) => {
      const path = existsSync(PORTKEY_MAIN) ? runtime() : null;
      return path === null ? null : [path, PORTKEY_MAIN, "--headless", `--port=${port}`];
    },
    headers: (upstream) =>
      `${NO_KEY}x-portkey-provider: openai\r\nx-portkey-custom-host: http://127.0.0.1:${upstream}/v1\r\n`,
    model: "bench",
    env: { NODE_ENV: "production" },
    start_max_ms: SLOW_START_MS,
  };
}

const PEERS: readonly Program[] = [
  portkey("portkey", () => findProgram("node")),
  portkey("portkey on Bun", () => process.execPath),
  {
    name: "litellm",
    command: (port, upstream, folder) => {
      const path = findProgram("litellm");
      const config = `
model_list:
  - model_name: bench
    litellm_params: { model: openai/bench, api_base: "http://127.0.0.1:${upstream}/v1", api_key: none }
general_settings: { master_key: "${LITELLM_KEY}" }
`;
      return path === null
        ? null
        : [path, "--config", writeConfig(folder, config), "--host", "127.0.0.1", "--port", String(port)];
    },
    headers: `authorization: Bearer ${LITELLM_KEY}\r\n`,
    model: "bench",
    // Its table of prices would come from the network.
    env: { LITELLM_LOCAL_MODEL_COST_MAP: "True" },
    start_max_ms: SLOW_START_MS,
  },
  {
    name: "bifrost",
    command: (port, upstream, folder) => {
      const path = findProgram("bifrost-http");
      if (path === null) return null;
      const keys = [{ name: "bench", value: "none", models: ["bench"], weight: 1 }];
      const network_config = { base_url: `http://127.0.0.1:${upstream}` };
      const config = { providers: { openai: { keys, network_config } } };
      // It looks for this name in its folder.
      writeConfig(folder, JSON.stringify(config), "config.json");
      return [path, "-host", "127.0.0.1", "-port", String(port), "-app-dir", folder];
    },
    headers: NO_KEY,
    model: "openai/bench",
    start_max_ms: SLOW_START_MS,
  },
];

/** Installs what npm has, outside the project; says how it went. */
async function install(log: (line: string) => void): Promise<void> {
  if (existsSync(PORTKEY_MAIN)) return;
  log(`npm install ${PORTKEY_PACKAGE} into ${PORTKEY_FOLDER}`);
  const flags = ["--prefix", PORTKEY_FOLDER, "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"];
  const npm = Bun.spawn(["npm", "install", ...flags, PORTKEY_PACKAGE], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  if ((await npm.exited) !== 0) log("npm could not install it");
}

/** The rows 1 KB, one connection and paced streams, with every peer that is there. */
export const peers: Part = {
  name: "peers",
  about:
    "Other gateways on the rows plain 1 KB, one connection and paced streams; `--peers` installs Portkey from npm into a temporary folder.",
  usual: { rounds: 3, seconds: 3, connections: 32, streams: 200, chunks: 100, peers: 0 },
  run: async (sizes, log) => {
    if (sizes.peers > 0) await install(log);
    return onStage(sizes, log, [VENTURI, HAPROXY, ...PEERS], async (stage) => {
      if (!stage.targets.some(({ name }) => PEERS.some((peer) => peer.name === name))) {
        log("no peer is installed: --peers installs Portkey");
        return [];
      }
      await stage.provider.play(PLAIN_SCRIPT);
      return [
        ...(await measureCalls(stage, rowOfSize(1), {})),
        ...(await measureSingle(stage)),
        ...(await measurePaced(stage)),
      ];
    });
  },
};
