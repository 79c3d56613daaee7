// A provider's Realtime for tests: a WebSocket server that keeps what it saw and does what a test says.

import type { ServerWebSocket } from "bun";
import { until } from "../harness.ts";

/** An opening, as it came. */
export interface SeenOpening {
  readonly url: URL;
  readonly headers: Headers;
}

/** A session at the provider. */
export interface UpstreamSession {
  readonly opening: SeenOpening;
  readonly socket: ServerWebSocket<unknown>;
  /** All messages so far, as they came. */
  readonly messages: (string | Buffer)[];
  /** The events among them. */
  events(): Record<string, unknown>[];
  /** How the gateway closed it; null while it is open. */
  closed: { readonly code: number; readonly reason: string } | null;
  send(event: unknown): void;
}

/** A running provider. */
export interface RealtimeUpstream {
  readonly port: number;
  readonly base_url: string;
  readonly openings: readonly SeenOpening[];
  readonly sessions: readonly UpstreamSession[];
  /** Resolves with the session of a number, from 0, when it is open. */
  session(number?: number): Promise<UpstreamSession>;
  stop(): void;
}

/** What it does. */
export interface UpstreamScript {
  /** A response refuses the opening. */
  open?(opening: SeenOpening, number: number): Response | null;
  begun?(session: UpstreamSession): void;
  heard?(session: UpstreamSession, message: string | Buffer): void;
}

/** Listens on a free port of 127.0.0.1. */
export function startRealtime(script: UpstreamScript = {}): RealtimeUpstream {
  const openings: SeenOpening[] = [];
  const sessions: UpstreamSession[] = [];
  const server = Bun.serve<{ opening: SeenOpening; session: UpstreamSession | null }>({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, own) {
      const opening = { url: new URL(request.url), headers: request.headers };
      openings.push(opening);
      const refusal = script.open?.(opening, openings.length - 1) ?? null;
      if (refusal !== null) return refusal;
      own.upgrade(request, { data: { opening, session: null } });
      return undefined;
    },
    websocket: {
      maxPayloadLength: 64 * 1024 * 1024,
      open(socket) {
        const messages: (string | Buffer)[] = [];
        const session: UpstreamSession = {
          ...{
            opening: socket.data.opening,
            socket: socket as ServerWebSocket<unknown>,
            messages,
            closed: null,
          },
          events: () => messages.filter((one) => typeof one === "string").map((one) => JSON.parse(one)),
          send: (event) => socket.send(typeof event === "string" ? event : JSON.stringify(event)),
        };
        socket.data.session = session;
        sessions.push(session);
        script.begun?.(session);
      },
      message(socket, message) {
        const session = socket.data.session!;
        session.messages.push(message);
        script.heard?.(session, message);
      },
      close(socket, code, reason) {
        socket.data.session!.closed = { code, reason };
      },
    },
  });
  const port = server.port!;
  return {
    ...{ port, base_url: `http://127.0.0.1:${port}/v1`, openings, sessions },
    async session(number = 0) {
      await until(() => sessions.length > number);
      return sessions[number]!;
    },
    stop: () => void server.stop(true),
  };
}

/** The events of one whole response, which a provider sends one by one. */
export function responseEvents(
  id: string,
  text: string,
  usage: unknown,
  more: Record<string, unknown> = {},
): unknown[] {
  const about = { response_id: id, item_id: `item_of_${id}`, output_index: 0, content_index: 0 };
  return [
    {
      type: "response.created",
      event_id: `event_1_${id}`,
      response: { id, status: "in_progress", output: [] },
    },
    { type: "response.output_text.delta", event_id: `event_2_${id}`, ...about, delta: text },
    { type: "response.output_text.done", event_id: `event_3_${id}`, ...about, text },
    {
      type: "response.done",
      event_id: `event_4_${id}`,
      response: { id, status: "completed", output: [], usage, ...more },
    },
  ];
}

/** A client of the gateway, which keeps what it was told. */
export class Client {
  readonly socket: WebSocket;
  readonly messages: (string | Buffer)[] = [];
  /** Resolves when it is open; rejects when it is refused. */
  readonly opened: Promise<void>;
  closed: { readonly code: number; readonly reason: string } | null = null;

  constructor(
    port: number,
    path: string,
    options: { headers?: Record<string, string>; protocols?: string[] } = {},
  ) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options as unknown as string[]);
    this.socket.binaryType = "nodebuffer";
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = () => resolve();
      this.socket.onerror = (event) => reject(new Error(String((event as ErrorEvent).message)));
    });
    this.opened.catch(() => {});
    this.socket.onmessage = ({ data }) => void this.messages.push(data as string | Buffer);
    this.socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
  }

  send(event: unknown): void {
    this.socket.send(
      typeof event === "string" || event instanceof Uint8Array ? event : JSON.stringify(event),
    );
  }

  events(): Record<string, unknown>[] {
    return this.messages.filter((one) => typeof one === "string").map((one) => JSON.parse(one));
  }

  ofType(type: string): Record<string, unknown>[] {
    return this.events().filter((event) => event["type"] === type);
  }

  /** The errors that it was told. */
  errors(): { code: string; message: string; event_id: string | null }[] {
    return this.ofType("error").map(
      ({ error }) => error as { code: string; message: string; event_id: string | null },
    );
  }

  async until(isSo: (client: this) => boolean): Promise<void> {
    await until(() => isSo(this) || this.closed !== null);
    if (!isSo(this)) throw new Error(`closed with ${JSON.stringify(this.closed)}; told ${this.messages}`);
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    await until(() => this.closed !== null);
    return this.closed!;
  }
}
