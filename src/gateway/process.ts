// The role of a gateway process: get the configuration from the supervisor, serve, reload, drain.
// It outlives nothing: when the supervisor is gone, it finishes its calls and goes too.

import type { LeaseDesk } from "../access/shared/limits.ts";
import { openStoredKeys } from "../access/stored_keys.ts";
import { adminSocketPath } from "../config/admin_socket.ts";
import { compilePlan } from "../config/compile.ts";
import type { Plan } from "../config/plan.ts";
import { say, setSaying } from "../config/say.ts";
import { loadPriceBook } from "../ledger/prices/load.ts";
import { SteadyClock } from "../memory/clock.ts";
import { EventSink } from "../memory/spill.ts";
import { openState } from "../memory/state.ts";
import { openPrivacyKey } from "../privacy/key.ts";
import { Books } from "./books.ts";
import type { FromGateway, Place, ToGateway } from "./protocol.ts";
import type { ReplayOrder } from "./replay.ts";
import { type Gateway, startGateway } from "./server.ts";

/** How long a process that was told to end, not by its supervisor, waits for another in its place, in milliseconds. */
const LEAVE_MAX_MS = 5_000;
/** How much longer than `drain_ms` a stop may take before the process ends all the same, in milliseconds. */
const STOP_MARGIN_MS = 2_000;

/** Runs a gateway process; returns when the channel is set up, the process ends by itself. */
export function runGatewayProcess(): void {
  let gateway: Gateway | null = null;
  let books: Books | null = null;
  let drain_ms = 0;
  let is_draining = false;
  const replays = new Map<number, AbortController>();
  /** Asks go to the supervisor, and its answer comes as a message. */
  const desk: LeaseDesk = { ask: (asks) => tell({ kind: "asks", asks }), onAnswer: () => {} };

  const tell = (message: FromGateway) => {
    if (process.connected) process.send?.(message);
  };

  async function start(message: Extract<ToGateway, { kind: "start" }>): Promise<void> {
    try {
      const plan = compilePlan(message.config);
      drain_ms = plan.listen.drain_ms;
      const admin_socket = adminSocketPath(message.config.data);
      const own_books = openBooks(message.place, plan.state === null ? null : desk);
      await loadPrices(message.config.data);
      const key = openPrivacyKey(message.config.data, message.config.privacy.key ?? null);
      if ("fault" in key) say(key.fault, "warn");
      gateway = startGateway({
        plan,
        hostname: message.hostname,
        port: message.port,
        share_port: true,
        descriptor: message.descriptor,
        stored_keys: openStoredKeys(message.config.data, say),
        ...(typeof admin_socket === "string" ? { admin_socket } : {}),
        books: own_books,
        sessions_folder: message.config.data,
        ...("fault" in key ? {} : { privacy: { key, folder: message.config.data } }),
        openCaches: async () => {
          const { openCaches } = await import("./open_caches.ts");
          return openCaches({
            folder: message.config.data,
            max_bytes: message.config.cache.max_mb * 1024 * 1024,
            state: plan.state,
            has_shared_index: message.config.vectors !== undefined,
            facts: own_books.state.facts,
            log: say,
          });
        },
      });
      tell({ kind: "listening", port: gateway.port });
    } catch (error) {
      tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }

  function openBooks({ folder, index, clock }: Place, own_desk: LeaseDesk | null): Books {
    const state = openState(folder);
    const sink = new EventSink(folder, state.area(index));
    books = new Books({ state, index, clock: new SteadyClock(clock), sink, desk: own_desk, log: say });
    return books;
  }

  /** The newest prices; there before the first call is. */
  async function loadPrices(folder: string): Promise<void> {
    const { book, fault } = await loadPriceBook(folder);
    if (fault !== null) say(fault, "warn");
    books?.setPrices(book);
  }

  /** Makes a call again for an operator, and tells the supervisor what becomes of it. */
  async function replay(number: number, order: ReplayOrder): Promise<void> {
    const ending = new AbortController();
    replays.set(number, ending);
    const onBytes = (bytes: number) => tell({ kind: "replaying", number, bytes });
    const outcome = (await gateway?.replay(order, onBytes, ending.signal)) ?? null;
    replays.delete(number);
    if (outcome !== null) tell({ kind: "replayed", number, outcome });
  }

  function setPlan(plan: Plan): void {
    drain_ms = plan.listen.drain_ms;
    gateway?.setPlan(plan);
  }

  /** Finishes the calls in flight and ends the process, whatever hangs. */
  async function drain(): Promise<void> {
    if (is_draining) return;
    is_draining = true;
    const end = () => process.exit(0);
    if (gateway === null) return end();
    setTimeout(end, drain_ms + STOP_MARGIN_MS);
    await gateway.stop(drain_ms);
    end();
  }

  /** Somebody else than the supervisor ends this process: another takes its place before it drains. */
  function leave(): void {
    tell({ kind: "leaving" });
    setTimeout(() => void drain(), process.connected ? LEAVE_MAX_MS : 0);
  }

  process.on("message", (message: ToGateway) => {
    switch (message.kind) {
      case "start":
        void start(message);
        break;
      case "config":
        setSaying(message.config.log);
        setPlan(compilePlan(message.config));
        void loadPrices(message.config.data);
        break;
      case "leases":
        desk.onAnswer();
        break;
      case "drain":
        void drain();
        break;
      case "replay":
        void replay(message.number, message.order);
        break;
      case "end-replay":
        replays.get(message.number)?.abort();
        break;
    }
  });
  process.on("disconnect", () => void drain());
  process.on("SIGTERM", leave);
  // A terminal sends these to the whole group; the supervisor is who decides.
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  process.on("SIGUSR2", () => {});
  tell({ kind: "hello" });
}
