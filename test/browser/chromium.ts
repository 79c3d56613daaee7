// A headless Chromium for tests, driven over its debugging protocol: pages are opened, and functions run in them.
// Source: https://chromedevtools.github.io/devtools-protocol/

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const WAIT_MAX_MS = 30_000;

/** Where the browser is; null: the tests that need one are skipped. */
export const CHROMIUM: string | null = PLACES.find((place) => existsSync(place)) ?? null;

/** A page of a browser. */
export interface Page {
  /** The value of an expression in the page, a promise's when it has one; it must be JSON. Throws what the page throws. */
  evaluate(expression: string): Promise<unknown>;
}

/** A browser under test. */
export interface Browser {
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Starts a browser with a profile of its own, to which every host below `.example` is this machine. */
export async function startBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "venturi-browser-"));
  const flags = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
  ];
  const child = spawn(
    CHROMIUM!,
    [...flags, "--disable-background-networking", "--remote-debugging-port=0", `--user-data-dir=${profile}`],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const socket = new WebSocket(await addressOf(child));
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("the browser's debugging socket cannot be opened"));
  });
  const protocol = new Protocol(socket);
  return {
    open: (url) => openPage(protocol, url),
    async close() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      socket.close();
      child.kill("SIGKILL");
      await gone;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The debugging socket's address, which the browser prints. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error(`the browser did not start: ${said}`)), WAIT_MAX_MS);
    child.stderr!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found === null) return;
      clearTimeout(late);
      resolve(found[1]!);
    });
    child.once("exit", () => reject(new Error(`the browser ended: ${said}`)));
  });
}

async function openPage(protocol: Protocol, url: string): Promise<Page> {
  const { targetId } = await protocol.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await protocol.send("Target.attachToTarget", { targetId, flatten: true });
  const session = String(sessionId);
  await protocol.send("Page.enable", {}, session);
  const loaded = protocol.event("Page.loadEventFired", session);
  await protocol.send("Page.navigate", { url }, session);
  await loaded;
  return {
    async evaluate(expression) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await protocol.send("Runtime.evaluate", options, session);
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { readonly value?: unknown }).value;
    },
  };
}

/** Sends commands and waits for their answers, and for events. */
class Protocol {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #events: { readonly method: string; readonly session: string; readonly resolve: () => void }[] =
    [];
  #sent = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)) as Reply);
  }

  send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#sent;
    const answered = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(`${method}: ${error.message}`)),
      );
    });
    this.#socket.send(
      JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }),
    );
    return answered;
  }

  event(method: string, session: string): Promise<void> {
    return new Promise((resolve) => this.#events.push({ method, session, resolve }));
  }

  #hear(reply: Reply): void {
    if (reply.id !== undefined) {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
      return;
    }
    const at = this.#events.findIndex(
      ({ method, session }) => method === reply.method && session === reply.sessionId,
    );
    if (at >= 0) this.#events.splice(at, 1)[0]!.resolve();
  }
}
