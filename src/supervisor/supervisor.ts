// The supervisor: loads the configuration, keeps N gateway processes on one port, reloads, drains.
// It never touches a call; when it is slow, nobody notices.

import type { KeyStore } from "../access/key_store.ts";
import { limitsState } from "../access/limits_state.ts";
import type { ExactCache } from "../cache/exact/cache.ts";
import type { PurgeFilter } from "../cache/exact/purge_filter.ts";
import { listenerUrl, localUrl } from "../config/address.ts";
import type { LoadResult } from "../config/load.ts";
import type { ListenPlan, Plan, StatePlan } from "../config/plan.ts";
import { formatProblem } from "../config/problem.ts";
import { type Level, setSaying } from "../config/say.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { collectMetrics } from "../ledger/collect.ts";
import type { LiveCalls } from "../ledger/live_calls.ts";
import type { MetricsSnapshot } from "../ledger/metrics.ts";
import { prepareInstalledPrices } from "../ledger/prices/load.ts";
import { SteadyClock } from "../memory/clock.ts";
import { NOT_SHARED } from "../memory/host_facts.ts";
import { type State, stateRefusal } from "../memory/state.ts";
import { programCommand } from "../program/parts.ts";
import { Health } from "../routing/health/health.ts";
import { type Accounts, openAccounts } from "./accounts/accounts.ts";
import { storedBudgets, storedCallers } from "./accounts/stored_budgets.ts";
import { CacheKeeping } from "./cache_keeping.ts";
import { CallTelling } from "./call_telling.ts";
import { ContentKeeping } from "./content_keeping.ts";
import { Drills } from "./drills.ts";
import { watchExpiry } from "./expiry_watch.ts";
import type { InheritedSocket } from "./inherited_socket.ts";
import { writePidFile } from "./pid_file.ts";
import { claimPort } from "./port.ts";
import { type Address, Fleet } from "./processes/fleet.ts";
import { inferenceConfigOf } from "./processes/inference_config.ts";
import { InferenceWorker } from "./processes/inference_worker.ts";
import type { ServiceManager } from "./service_manager.ts";
import { openSharedState, type SharedState } from "./shared_state.ts";
import { obeySignals } from "./signals.ts";
import { SimilarDesk } from "./similar_desk.ts";
import { type TargetReport, targetReports } from "./target_reports.ts";
import type { Predecessor } from "./upgrade/predecessor.ts";
import { handOver } from "./upgrade/successor.ts";
import { tryOut } from "./upgrade/trial.ts";
import { watchFiles } from "./watch.ts";

/** The exit status of a process that SIGINT ended. */
const INTERRUPTED = 130;
/** How much longer than `drain_ms` it takes at most until all is closed, in milliseconds. */
const STOP_MARGIN_MS = 30_000;
/** How long a successor waits for its inference process, in milliseconds. */
const INFERENCE_MAX_MS = 10_000;

/** What to supervise. */
export interface SupervisorOptions {
  /** Loads the configuration anew: flags, file, environment. */
  load(): LoadResult;
  /** Loads a text as if it were the file. */
  loadDraft(text: string): LoadResult;
  /** The file to watch; null without one. */
  readonly file: string | null;
  /** A socket to listen on that was handed over; null: the gateway opens its own. */
  readonly socket: InheritedSocket | null;
  /** Hears how it goes. */
  readonly manager: ServiceManager;
  /** The supervisor that this one is to follow; null for a start of its own. */
  readonly predecessor: Predecessor | null;
  /** The flags of `serve`, for a successor. */
  readonly args: readonly string[];
  /** Where events are told to a person. */
  log(line: string, level?: Level): void;
  /** Starts the admin API over a data folder. */
  startAdmin(folder: string, view: AdminView): AdminSide;
}

/** What the admin API sees of the gateway. */
export interface AdminView {
  config(): ResolvedConfig;
  /** The state of all limits, as JSON. */
  limitsState(): Promise<unknown>;
  /** Resolves when every row until now is in the ledger. */
  flushLedger(): Promise<void>;
  /** The latest calls. */
  readonly live: LiveCalls;
  readonly caches: {
    /** The kept answers; null while none are kept. */
    answers(): ExactCache | null;
    /** What all calls have come to; null until calls are answered. */
    counts(): MetricsSnapshot | null;
    /** What the search for similar requests says of itself; null where there is none. */
    similar(): Promise<unknown>;
    forgetSimilar(filter: PurgeFilter): void;
    /** Removes answers that hosts share, and has the other hosts remove theirs; how many, null where none are shared. */
    purgeShared(filter: PurgeFilter, is_bad: boolean): Promise<number | null>;
  };
  readonly drills: Pick<Drills, "list" | "begin" | "end">;
  readonly gateway: {
    /** Where its own host reaches it, as a URL; null while it does not listen. */
    url(): string | null;
    /** Makes a call again; null where its gateway process is gone before that is over. */
    replay: Fleet["replay"];
    /** How its targets do. */
    targets(): Promise<readonly TargetReport[]>;
    /** Loads the configuration's file as a reload would. */
    loadFile(): LoadResult;
    /** Loads a text as if it were the file. */
    loadDraft(text: string): LoadResult;
    /** Lets another program take over, by default the one that lies where this one was started from; or says why it did not. */
    upgrade(program: string | null): Promise<{ readonly pid: number } | { readonly fault: string }>;
  };
  /** Stored keys have changed. */
  onKeysChange(): void;
}

/** What there is of the admin API, running. */
export interface AdminSide {
  /** Null: they cannot be used. */
  readonly keys: KeyStore | null;
  listen(takes_over: boolean): Promise<void>;
  stop(): Promise<void>;
}

interface Loaded {
  readonly config: ResolvedConfig;
  readonly plan: Plan;
}

/** Runs until it is told to stop by a signal; gives the exit status. */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { log, manager, predecessor } = options;
  let drainMs = () => 0;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<"stopped">();
  let removePidFile = () => {};
  let is_stopping = false;
  let killAll = () => {};
  /** The start and the reloads, one after another. */
  let changing: Promise<unknown> = Promise.resolve();
  const reloadInTurn = () => {
    changing = changing.then(reload);
  };
  /** One program after another takes over. */
  const upgradeInTurn = (program: string | null) => {
    const done = changing.then(() => upgrade(program));
    changing = done;
    return done;
  };
  let abortUpgrade = () => {};
  obeySignals({
    reload: reloadInTurn,
    upgrade: () => void upgradeInTurn(null),
    stop: (signal) => {
      abortUpgrade();
      log(`${signal}: finishing the calls in flight`);
      manager.stopping(drainMs() + STOP_MARGIN_MS);
      is_stopping = true;
      stop("stopped");
    },
    abort: () => {
      abortUpgrade();
      log("ended at once, calls in flight are cut");
      killAll();
      removePidFile();
      process.exit(INTERRUPTED);
    },
  });
  // What changes from the first look on is noticed.
  const own_files = options.file === null ? [] : [options.file];
  const watch = watchFiles(own_files, reloadInTurn);

  const first = options.load();
  if (!first.ok) {
    tellProblems(first, log);
    predecessor?.failed(`its configuration has faults: ${formatProblem(first.problems[0]!)}`);
    return 1;
  }
  let loaded: Loaded = first;
  setSaying(loaded.config.log);
  watch.follow([...own_files, ...first.files]);
  drainMs = () => loaded.plan.listen.drain_ms;
  const endExpiryWatch = watchExpiry(() => loaded.plan.listen.tls, log);
  if (first.told !== undefined) log(first.told);
  const caches = new CacheKeeping(log);
  const inference = new InferenceWorker({ log });
  const content = new ContentKeeping(() => loaded.config, log);
  const similar = new SimilarDesk(first.config.data);
  let state: State | null = null;
  let drills: Drills | null = null;
  let answering: Fleet | null = null;
  let shared: SharedState | null = null;
  let listening_url: string | null = null;
  const telling = new CallTelling(log);
  telling.configure(loaded.config, loaded.plan);
  const view: AdminView = {
    config: () => loaded.config,
    limitsState: tellLimits,
    live: telling.live,
    flushLedger: () => withAccounts((opened) => opened.flush()),
    caches: {
      answers: () => caches.answers,
      counts: () => (state === null ? null : collectMetrics(state).snapshot),
      similar: async () => (inference.pid === null ? null : similar.stats()),
      purgeShared: async (filter, is_bad) => (await shared?.answers?.purge(filter, is_bad)) ?? null,
      forgetSimilar: (filter) => {
        if (inference.pid !== null) void similar.forget(filter);
      },
    },
    drills: {
      list: () => drills?.list() ?? [],
      begin: (wish, for_ms) => drills?.begin(wish, for_ms) ?? null,
      end: (id) => drills?.end(id) ?? [],
    },
    gateway: {
      url: () => (listening_url === null ? null : localUrl(listening_url)),
      replay: async (order, onBytes, signal) => (await answering?.replay(order, onBytes, signal)) ?? null,
      targets: tellTargets,
      loadFile: options.load,
      loadDraft: options.loadDraft,
      upgrade: upgradeInTurn,
    },
    onKeysChange: () => void withAccounts((opened) => opened.configure(loaded.config)),
  };
  const preparing = prepareInstalledPrices(first.config.data);
  const refusal = predecessor === null ? null : stateRefusal(first.config.data);
  if (refusal !== null) {
    log(`cannot start: ${refusal}`, "error");
    predecessor?.failed(refusal);
    return 1;
  }
  /** Where the calls are answered that this one is to take over. */
  const taken = (await predecessor?.take()) ?? null;
  if (predecessor !== null && taken === null) {
    log("cannot start: the supervisor that was to be followed has ended", "error");
    return 1;
  }
  const opening = (async () => {
    const side = options.startAdmin(loaded.config.data, view);
    if (predecessor === null) await side.listen(false);
    const opened = await openAccounts({
      config: first.config,
      log,
      budgets: () => storedBudgets(side.keys, loaded.config),
      onWritten: (lines) => telling.add(lines),
    });
    const stored = await preparing;
    if (stored !== null && !stored.ok) log(`prices are loaded from their package: ${stored.fault}`);
    return { admin: side, accounts: opened };
  })();
  changing = opening;
  /** What the admin API asks of the accounts, which it may do before they are open. */
  async function withAccounts(action: (accounts: Accounts) => Promise<void> | void): Promise<void> {
    const { accounts: opened } = await opening;
    if (!("fault" in opened)) await action(opened);
  }
  async function tellLimits(): Promise<unknown> {
    const { admin: side, accounts: opened } = await opening;
    if ("fault" in opened) return [];
    const { state, places: at } = opened;
    const clock = new SteadyClock(at.clock);
    const tools = {
      counters: state.counters,
      column: 0,
      shared: shared?.limits ?? null,
      now_ms: () => clock.now_ms(),
      wall_ms: () => Date.now(),
    };
    return limitsState(loaded.plan, storedCallers(side.keys, loaded.plan), tools);
  }
  async function tellTargets(): Promise<readonly TargetReport[]> {
    const { accounts: opened } = await opening;
    if ("fault" in opened) return [];
    const { state: own, places: at } = opened;
    const clock = new SteadyClock(at.clock);
    const now_ms = () => clock.now_ms();
    const health = new Health({
      table: own.health,
      drills: own.drills,
      column: 0,
      columns: own.areas,
      now_ms,
      log,
    });
    return targetReports(loaded.plan, health, collectMetrics(own).snapshot);
  }
  const { admin, accounts } = await opening;
  if ("fault" in accounts) {
    log(`cannot start: ${accounts.fault}`, "error");
    predecessor?.failed(accounts.fault);
    await admin.stop();
    return 1;
  }
  const opened = accounts;
  const { places, keeper } = opened;
  if (predecessor === null) keeper.start();
  state = accounts.state;
  state.facts.started_s = Math.floor(Date.now() / 1_000);
  telling.countIn(state.facts);
  const clock = new SteadyClock(places.clock);
  drills = new Drills(state.drills, () => clock.now_ms(), log);
  await caches.configure(loaded.config, accounts.is_alone);
  const fleet = new Fleet({
    config: () => loaded.config,
    takePlace: () => places.take(),
    leavePlace: (place) => places.leave(place),
    onAsks: (asks) => shared?.ask(asks),
    log,
  });
  answering = fleet;
  if (loaded.plan.state === null) {
    state.facts.shared = NOT_SHARED;
  } else {
    const sharing = await openSharedState({
      ...{ plan: loaded.plan.state, data: loaded.config.data, state, log },
      takes_over: predecessor !== null,
      clock_ms: () => clock.now_ms(),
      onAnswers: () => fleet.tellAnswers(),
      ownAnswers: () => caches.answers,
      currentPlan: () => loaded.plan,
      health: new Health({
        ...{ table: state.health, drills: state.drills, column: 0, columns: state.areas, log },
        now_ms: () => clock.now_ms(),
      }),
    });
    if ("fault" in sharing) return abandon(sharing.fault);
    shared = sharing;
  }
  killAll = () => {
    inference.kill();
    fleet.kill();
  };
  // Beside the gateways, not after them: what the first calls ask is to be found by those that ask something similar.
  inference.configure(inferenceConfigOf(loaded.config));
  // What is redacted already must not wait for it.
  if (predecessor !== null) await inference.listening(INFERENCE_MAX_MS);

  async function reload(): Promise<void> {
    if (is_stopping) return;
    manager.reloading();
    await takeOver();
    tellReady();
  }

  function tellReady(): void {
    if (!is_stopping && listening_url !== null) manager.ready(`listening on ${listening_url}`);
  }

  /** Takes over what the file says now, or leaves all as it is. */
  async function takeOver(): Promise<void> {
    const next = options.load();
    if (!next.ok) {
      tellProblems(next, log);
      log("the configuration has faults: nothing changes", "error");
      return;
    }
    const before = loaded.plan.listen;
    const { data, key_store } = loaded.config;
    if (next.config.data !== data) log(`the data folder stays ${data} until the next start`);
    if (next.config.key_store !== key_store)
      log("where keys are shared stays as it was until the next start");
    if (!isSameState(next.plan.state, loaded.plan.state))
      log("where the state is shared stays as it is until the next start");
    const { state: own } = loaded.config;
    loaded = { ...next, config: { ...next.config, data, ...(own === undefined ? {} : { state: own }) } };
    watch.follow([...own_files, ...next.files]);
    await caches.configure(loaded.config, false);
    fleet.configure(loaded.config);
    inference.configure(inferenceConfigOf(loaded.config));
    opened.configure(loaded.config);
    telling.configure(loaded.config, loaded.plan);
    setSaying(loaded.config.log);
    listening_url = urlOf(fleet.address, next.plan.listen);
    if (next.told !== undefined) log(next.told);
    const fault = await moveTo(next.plan.listen, before);
    if (fault === null) log("configuration reloaded");
    else log(`configuration reloaded, but it cannot be listened to as configured: ${fault}`, "error");
  }

  /** Listens where and with how many processes the configuration says, if that differs; gives in words why it cannot. */
  async function moveTo(listen: ListenPlan, before: ListenPlan | null): Promise<string | null> {
    const address = nextAddress(listen, before);
    if ("fault" in address) return address.fault;
    const { hostname, port } = fleet.address;
    const is_there = address.hostname === hostname && address.port === port && listen.workers === fleet.size;
    if (is_there) return null;
    try {
      await fleet.launch(address, listen.workers);
      // First calls can be answered: their rows wait in shared memory until the ledger is open.
      const fault = await opened.openLedger();
      if (fault !== null) return fault;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    if (is_stopping) return null;
    // Whoever reads that it listens may send it signals.
    if (before === null) tellPid();
    listening_url = urlOf(fleet.address, listen);
    log(`listening on ${listening_url} (${count(fleet.size, "gateway process", "es")})`);
    return null;
  }

  /** The address that the configuration names; a port of 0 stays what it has become. */
  function nextAddress(listen: ListenPlan, before: ListenPlan | null): Address | { readonly fault: string } {
    if (options.socket !== null) return options.socket;
    const { host: hostname } = listen;
    if (before === null && taken?.hostname === hostname && [0, taken.port].includes(listen.port))
      return taken;
    const current = fleet.address;
    const is_same_host = hostname === current.hostname;
    if (is_same_host && (listen.port === current.port || (listen.port === 0 && before?.port === 0))) {
      return current;
    }
    // On another address of its own port the gateway would find itself in the way.
    if (listen.port !== 0 && listen.port === current.port) return { hostname, port: listen.port };
    const port = claimPort(hostname, listen.port);
    return typeof port === "number" ? { hostname, port } : port;
  }

  /** Lets another program take over, if it can; then this one ends as if it were told to. */
  async function upgrade(
    program: string | null,
  ): Promise<{ readonly pid: number } | { readonly fault: string }> {
    const done = await tryUpgrade(program);
    if ("fault" in done) {
      log(`the upgrade failed, and nothing has changed: ${done.fault}`, "error");
      return done;
    }
    manager.followedBy(done.pid);
    log(`process ${done.pid} has taken over: finishing the calls in flight`);
    inference.release();
    is_followed = true;
    is_stopping = true;
    stop("stopped");
    return done;
  }

  async function tryUpgrade(
    program: string | null,
  ): Promise<{ readonly pid: number } | { readonly fault: string }> {
    if (is_stopping || listening_url === null) return { fault: "this gateway does not answer calls" };
    // Who starts a container watches its first process alone.
    if (process.pid === 1)
      return { fault: "this is the first process of a container; replace the container" };
    const command = [...programCommand(program), "serve", ...options.args];
    const { data } = loaded.config;
    const { tls } = loaded.plan.listen;
    const ends = { is_tls: tls !== null, asks_certificates: tls !== null && tls.client_ca !== null };
    const fault = await tryOut({ command, data, ...ends });
    if (fault !== null) return { fault };
    if (is_stopping) return { fault: "this gateway was told to stop" };
    const { hostname, port, descriptor = null } = fleet.address;
    const handing = handOver({
      command,
      address: { hostname, port },
      descriptor,
      release: (is_alike) => opened.release(is_alike),
      regain: async () => {
        inference.renew();
        shared?.regain();
        return opened.regain();
      },
    });
    abortUpgrade = handing.abort;
    return handing.done;
  }

  function tellPid(): void {
    const pid_file = writePidFile(loaded.config.data);
    if (typeof pid_file === "function") removePidFile = pid_file;
    else log(pid_file.fault);
  }

  async function endCaches(): Promise<void> {
    similar.close();
    await Promise.all([inference.stop(), caches.close(), content.close()]);
  }

  /** It cannot start: all that was opened is closed. */
  async function abandon(fault: string): Promise<number> {
    log(`cannot start: ${fault}`, "error");
    predecessor?.failed(fault);
    await fleet.drain();
    await shared?.close();
    await admin.stop();
    await endCaches();
    await opened.close();
    await telling.close();
    return 1;
  }

  const starting = changing.then(() => moveTo(loaded.plan.listen, null));
  changing = starting;
  let is_followed = false;
  const begun = await Promise.race([starting, stopped]);
  if (begun !== null && begun !== "stopped") return abandon(begun);
  if (begun === null) {
    if (predecessor !== null) {
      await admin.listen(true);
      keeper.start();
      predecessor.serving();
    }
    tellReady();
    void content.sweep();
    await stopped;
  }
  watch.end();
  endExpiryWatch();
  await fleet.drain();
  await changing;
  // A change that was under way may have started processes after all.
  await fleet.drain();
  await shared?.close();
  await admin.stop();
  await endCaches();
  await opened.close();
  await telling.close();
  removePidFile();
  log(is_followed ? `process ${process.pid} has finished the calls that it had` : "stopped");
  return 0;
}

function tellProblems(result: LoadResult & { readonly ok: false }, log: SupervisorOptions["log"]): void {
  for (const problem of result.problems) log(formatProblem(problem), "error");
}

/** Whether two configurations share their state at the same place; what becomes of calls without it may differ. */
function isSameState(one: StatePlan | null, other: StatePlan | null): boolean {
  const placeOf = (plan: StatePlan | null) => JSON.stringify({ ...plan, on_loss: null, budget_ms: null });
  return (one === null) === (other === null) && placeOf(one) === placeOf(other);
}

function urlOf({ hostname, port }: Address, { tls }: ListenPlan): string {
  return listenerUrl(hostname, port, tls !== null);
}

function count(number: number, noun: string, ending: string): string {
  return `${number} ${noun}${number === 1 ? "" : ending}`;
}
