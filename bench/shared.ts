// Three gateways whose limits are each one's own, and three that share them through a server (Valkey or Redis) by leases: the same
// calls to each group in turn. What a call costs with limits that hold over all hosts, beside the same limits on one.

import { cpuMs } from "../test/chaos/processes.ts";
import { HERE } from "../test/network_space.ts";
import { SERVER, startRedis } from "../test/redis_server.ts";
import { findPlacement, pinned } from "./machine.ts";
import { type Case, inTurn, onStage, orderFor, type Part, type Sample, type Stage } from "./part.ts";
import { CLIENT_KEY, configured, cpuOf, type Program, type Target } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Gateways of each group. */
const HOSTS = 3;
/** The groups, by where their limits are. */
export const GROUPS = ["embedded", "leased"] as const;
type Group = (typeof GROUPS)[number];

function gateway(group: Group, number: number, redis_port: number): Program {
  const text = (port: number, upstream: number) => `
listen: { port: ${port}, workers: 1 }
${group === "leased" ? `state: "valkey://127.0.0.1:${redis_port}"` : ""}
providers: { bench: { kind: openai, base_url: "http://127.0.0.1:${upstream}/v1", api_keys: [none] } }
models: { bench: { targets: [bench/bench], price: { input_per_mtok: 1, output_per_mtok: 2 } } }
keys: [{ name: bench, key: "${CLIENT_KEY}", limits: { rpm: 1000000000, tpm: 1000000000, concurrency: 100000, usd_per_day: 1000000 } }]
`;
  // All of them start at once, on one core, and the first of a new server waits one lease.
  return configured(`${group} ${number}`, text, { start_max_ms: 60_000, model: "bench" });
}

/** A round: as many connections to each host of a group, all at once. `beside` is a process that works for them. */
async function measure(
  stage: Stage,
  hosts: readonly Target[],
  beside: number | null,
  seconds: number,
): Promise<Sample> {
  const connections = Math.ceil(stage.sizes.connections / hosts.length);
  const before = await stage.provider.counts();
  const spent = () =>
    hosts.reduce((sum, host) => sum + cpuOf(host), 0) + (beside === null ? 0 : cpuMs(beside));
  const cpu_before_ms = spent();
  const results = await Promise.all(
    hosts.map((host) => stage.generator.run(orderFor(stage, host, { connections, seconds }))),
  );
  await Bun.sleep(stage.sizes.settle_ms);
  const cpu_ms = spent() - cpu_before_ms;
  const arrived = (await stage.provider.counts()).calls - before.calls;
  const calls = results.reduce((sum, result) => sum + result.calls, 0);
  const failed = results.find(({ errors }) => errors > 0);
  const fault =
    failed !== undefined
      ? `${failed.errors} of ${failed.calls} calls failed: ${failed.fault}`
      : arrived === calls
        ? null
        : `the provider saw ${arrived} calls instead of ${calls}`;
  const values = {
    cpu_us: (cpu_ms * 1000) / calls,
    calls_per_s: results.reduce((sum, result) => sum + result.calls_per_s, 0),
    p50_us: Math.max(...results.map(({ latency }) => latency.p50_us)),
    p99_us: Math.max(...results.map(({ latency }) => latency.p99_us)),
  };
  return { values, fault, raw: { results, cpu_ms } };
}

/** CPU per call, calls per second and latencies of three hosts with limits of their own and shared ones. */
export const shared: Part = {
  name: "shared",
  about: `Plain 1 KB calls to ${HOSTS} gateways at once, on one core, under a key with limits of requests, tokens, calls at once and money: each gateway's own, and shared by leases (the server's processor time is in them). p50 and p99 are those of the slowest gateway.`,
  usual: { rounds: 9, seconds: 3, connections: 33, warm_seconds: 40 },
  run: async (sizes, log) => {
    if (SERVER === null) {
      log("neither valkey-server nor redis-server is installed: left out");
      return [];
    }
    return onServer(sizes, log);
  },
};

async function onServer(...[sizes, log]: Parameters<Part["run"]>): Promise<Case[]> {
  const placement = findPlacement();
  const prefix = pinned([], placement?.target_core);
  const redis = await startRedis([], 0, { ...HERE, prefix });
  const programs = GROUPS.flatMap((group) =>
    Array.from({ length: HOSTS }, (_, index) => gateway(group, index + 1, redis.port)),
  );
  const play = async (stage: Stage): Promise<Case[]> => {
    await stage.provider.play(PLAIN_SCRIPT);
    const hostsOf = (group: Group) => stage.targets.filter(({ name }) => name.startsWith(group));
    const groups = GROUPS.map((name) => ({ ...hostsOf(name)[0]!, name }));
    return inTurn(
      stage,
      "plain calls, 1 KB",
      ({ name }, is_warm_up) => {
        const { warm_seconds, seconds } = stage.sizes;
        const beside = name === "leased" ? redis.pid : null;
        return measure(stage, hostsOf(name as Group), beside, is_warm_up ? warm_seconds : seconds);
      },
      groups,
    );
  };
  try {
    return await onStage(sizes, log, programs, play, placement);
  } finally {
    await redis.stop();
  }
}
