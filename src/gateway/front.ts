// The HTTP server of the public port, and those that it had before: a server cannot be given other certificates, so another is opened
// on the same port. The one before it stops listening and goes on with the connections that it has, until they end.

import type { TlsPlan } from "../config/certificates.ts";
import { adoptListener, leaveListeners } from "./adopted_listener.ts";
import { closeListeners, hasConnections, listenersOf } from "./listener.ts";

/** How often it is looked whether a former server has connections left, in milliseconds. */
const FORMER_LOOK_MS = 30_000;

const TLS_VERSIONS = { "1.2": 0x0303, "1.3": 0x0304 } as const;

type Answer = Response | undefined | Promise<Response | undefined>;
type Routes<Data> = Readonly<
  Record<string, { POST(request: Request, server: Bun.Server<Data>): Response | Promise<Response> }>
>;

/** Where and how a front listens. */
export interface FrontOptions<Data> {
  readonly hostname: string;
  readonly port: number;
  /** Let others listen on the same port too: other processes, and the server after a change of certificates. */
  readonly share_port: boolean;
  /** Descriptor of a socket that listens already; null: it opens its own. */
  readonly descriptor: number | null;
  readonly tls: TlsPlan | null;
  /** Seconds of silence after which a connection is closed. */
  readonly idle_s: number;
  readonly routes: Routes<Data>;
  fetch(request: Request, server: Bun.Server<Data>): Answer;
  readonly websocket: Bun.WebSocketHandler<Data>;
  error(error: Error): Response;
}

/** The server of a port, under certificates that can change. */
export class Front<Data> {
  readonly #options: FrontOptions<Data>;
  #tls: string;
  #server: Bun.Server<Data>;
  readonly #former = new Set<Bun.Server<Data>>();
  /** Changes of certificates, one after another. */
  #changing: Promise<void> = Promise.resolve();
  #is_closed = false;
  readonly port: number;

  /** Throws what Bun.serve throws when the address cannot be had. */
  constructor(options: FrontOptions<Data>) {
    this.#options = options;
    this.#tls = JSON.stringify(options.tls);
    this.#server = this.#open(options.tls, options.port);
    this.port = options.descriptor === null ? this.#server.port! : options.port;
  }

  /** Requests that have not been answered. */
  get pending(): number {
    let pending = 0;
    for (const server of this.#servers()) pending += server.pendingRequests;
    return pending;
  }

  /** Allows the connection of a request so many seconds of silence; 0 for any number. */
  timeout(request: Request, seconds: number): void {
    this.#server.timeout(request, seconds);
  }

  /** Serves new connections with other certificates, or with none. Rejects where that cannot be, and then nothing has changed. */
  setTls(tls: TlsPlan | null): Promise<void> {
    const change = this.#changing.then(() => this.#changeTls(tls));
    this.#changing = change.catch(() => {});
    return change;
  }

  /** Takes no more connections; those that there are stay. False: not possible here, `stop` has to do. */
  async closeListener(): Promise<boolean> {
    this.#is_closed = true;
    await this.#changing;
    return this.#closeListeners(this.#listeners());
  }

  /** Whether there are connections to the port, of other processes too. */
  hasConnections(): boolean {
    return hasConnections(this.port);
  }

  /** Closes connections as they become idle, or all `at_once`; resolves when none is left. */
  async stop(at_once = false): Promise<void> {
    await Promise.all([...this.#servers()].map((server) => server.stop(at_once)));
  }

  #servers(): Set<Bun.Server<Data>> {
    return new Set([this.#server, ...this.#former]);
  }

  /** What this process listens on the port with, as descriptor and inode. */
  #listeners(): Map<number, string> {
    const listeners = listenersOf(this.port);
    // The socket that was handed over stays open: what is closed is what the server has of it.
    if (this.#options.descriptor !== null) listeners.delete(this.#options.descriptor);
    return listeners;
  }

  async #closeListeners(listeners: ReadonlyMap<number, string>): Promise<boolean> {
    if (this.#options.descriptor === null) return closeListeners(this.port, listeners);
    // Whoever handed the socket over has it too: what waits in it is for the next server, or the next process.
    return leaveListeners([...listeners.keys()]);
  }

  async #changeTls(tls: TlsPlan | null): Promise<void> {
    const text = JSON.stringify(tls);
    if (text === this.#tls || this.#is_closed) return;
    const before = this.#listeners();
    const former = this.#server;
    this.#server = this.#open(tls, this.port);
    this.#tls = text;
    this.#former.add(former);
    former.reload(this.#lastAnswers());
    const is_closed = await this.#closeListeners(before);
    // Off Linux a connection that is idle may lose the call that is just being sent on it.
    if (!is_closed) void former.stop();
    this.#forgetWhenIdle(former);
  }

  #open(tls: TlsPlan | null, port: number): Bun.Server<Data> {
    const { hostname, share_port, descriptor, idle_s, routes, fetch, websocket, error } = this.#options;
    const server = Bun.serve<Data>({
      ...(descriptor === null
        ? { hostname, port, reusePort: share_port }
        : { hostname: "127.0.0.1", port: 0 }),
      idleTimeout: idle_s,
      // The pipeline has the limit, and says so in JSON; this one would answer without a body.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      ...(tls === null ? {} : { tls: tlsOptions(tls) }),
      routes,
      fetch: fetch as (request: Request, server: Bun.Server<Data>) => Response | Promise<Response>,
      websocket,
      error,
    });
    if (descriptor === null) return server;
    const fault = adoptListener(descriptor, listenersOf(server.port!));
    if (fault === null) return server;
    void server.stop(true);
    throw new Error(`the socket that was handed over cannot be used: ${fault}`);
  }

  /** What a former server does: one more answer on every connection, and the sockets that it has. */
  #lastAnswers(): Pick<FrontOptions<Data>, "websocket" | "error"> & {
    routes: Routes<Data>;
    fetch(request: Request, server: Bun.Server<Data>): Promise<Response>;
  } {
    const { routes, fetch, websocket, error } = this.#options;
    return {
      routes: Object.fromEntries(
        Object.entries(routes).map(([path, { POST }]) => [
          path,
          { POST: async (request, server) => lastOf(await POST(request, server))! },
        ]),
      ),
      fetch: async (request, server) => lastOf(await fetch(request, server))!,
      websocket,
      error,
    };
  }

  #forgetWhenIdle(former: Bun.Server<Data>): void {
    const timer = setInterval(
      () => {
        if (former.pendingRequests + former.pendingWebSockets > 0) return;
        clearInterval(timer);
        this.#former.delete(former);
        // Connections that were kept and not used again have met the idle timeout by now, or do at once.
        void former.stop();
      },
      Math.max(FORMER_LOOK_MS, this.#options.idle_s * 1_000),
    );
    timer.unref();
  }
}

/** An answer behind which the connection closes; what has become a WebSocket has none. */
function lastOf(response: Response | undefined): Response | undefined {
  response?.headers.set("connection", "close");
  return response;
}

/** A context for clients that ask for no name, and one for each name. */
function tlsOptions({ certificates, min_version, client_ca }: TlsPlan): Bun.TLSOptions[] {
  const common = {
    minVersion: TLS_VERSIONS[min_version],
    ...(client_ca === null ? {} : { ca: client_ca, requestCert: true, rejectUnauthorized: true }),
  };
  const [first] = certificates;
  const options: Bun.TLSOptions[] = [{ ...common, cert: first!.cert, key: first!.key }];
  if (certificates.length === 1) return options;
  const named = new Set<string>();
  for (const { cert, key, names } of certificates)
    for (const name of names) {
      if (!named.has(name)) options.push({ ...common, cert, key, serverName: name });
      named.add(name);
    }
  return options;
}
