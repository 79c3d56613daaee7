// TLS on the public port, met by real handshakes: which certificate, which versions, who may connect; and certificates that change
// under calls, streams and sockets.

import { once } from "node:events";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TlsPlan } from "../../src/config/certificates.ts";
import type { Plan } from "../../src/config/plan.ts";
import { CertificateAuthority, HAS_OPENSSL, type Issued } from "../certificate_authority.ts";
import { planOf, rig } from "./harness.ts";

const CHAT = JSON.stringify({ model: "sim/echo", messages: [{ role: "user", content: "Hello" }] });

describe.skipIf(!HAS_OPENSSL)("TLS on the public port (needs openssl)", () => {
  const room = rig();
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  let first: Issued;
  let second: Issued;
  const open: tls.TLSSocket[] = [];

  beforeAll(() => {
    [authority, stranger] = [new CertificateAuthority("ours"), new CertificateAuthority("theirs")];
    first = authority.issue(["localhost", "first.test"]);
    second = authority.issue(["second.test", "*.second.test"]);
  });
  afterAll(() => {
    for (const socket of open) socket.destroy();
    authority?.dispose();
    stranger?.dispose();
  });

  function withTls(
    plan: Plan,
    pairs: readonly (Issued & { names?: string[] })[],
    more: Partial<TlsPlan> = {},
  ): Plan {
    const certificates = pairs.map(({ cert, key, names = [] }) => ({
      ...{ cert, key, names, not_before_s: 0, not_after_s: 1_900_000_000 },
    }));
    const tls_plan: TlsPlan = { certificates, min_version: "1.2", client_ca: null, ...more };
    return { ...plan, listen: { ...plan.listen, tls: tls_plan } };
  }

  function gateway(pairs: readonly (Issued & { names?: string[] })[], more: Partial<TlsPlan> = {}) {
    return room.gateway(withTls(planOf("{}"), pairs, more), { share_port: true });
  }

  /** A connection that has shaken hands; rejects with why it could not. */
  async function connect(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      servername: "localhost",
      ca: authority.cert,
      ...options,
    });
    open.push(socket);
    await once(socket, "secureConnect");
    socket.setEncoding("utf8");
    return socket;
  }

  const nameOf = (socket: tls.TLSSocket) => socket.getPeerCertificate().subject.CN;

  /** What comes until a pattern, or until the other side closes. */
  async function readUntil(socket: tls.TLSSocket, pattern: RegExp): Promise<string> {
    let text = "";
    for await (const part of socket.iterator({ destroyOnReturn: false })) {
      text += part;
      if (pattern.test(text)) break;
    }
    return text;
  }

  async function call(socket: tls.TLSSocket): Promise<string> {
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${CHAT.length}\r\n\r\n${CHAT}`,
    );
    return readUntil(socket, /\}$/);
  }

  test("gives each client the certificate of the name that it asks for, and the first to all others", async () => {
    const { port } = gateway([first, { ...second, names: ["second.test", "*.second.test"] }]);
    const named = async (servername: string) =>
      nameOf(await connect(port, { servername, checkServerIdentity: () => undefined }));
    expect(await named("localhost")).toBe("localhost");
    expect(await named("second.test")).toBe("second.test");
    expect(await named("any.second.test")).toBe("second.test");
    expect(await named("other.test")).toBe("localhost");
    expect(await call(await connect(port))).toContain("Hello");
  });

  test("speaks no version that is older than it may", async () => {
    const old = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
    const { port } = gateway([first]);
    expect((await connect(port, old)).getProtocol()).toBe("TLSv1.2");
    const { port: strict } = gateway([first], { min_version: "1.3" });
    await expect(connect(strict, old)).rejects.toThrow();
    expect((await connect(strict)).getProtocol()).toBe("TLSv1.3");
  });

  test("lets in only clients whose certificates are of its authority", async () => {
    const { port } = gateway([first], { client_ca: authority.cert });
    const ours = authority.issue(["client"]);
    const theirs = stranger.issue(["client"]);
    expect(await call(await connect(port, ours))).toContain("200 OK");
    // In TLS 1.3 a client hears of its refusal when it first reads.
    const answer = async (options: tls.ConnectionOptions) =>
      connect(port, options)
        .then(call)
        .catch(() => "");
    expect(await answer({})).toBe("");
    expect(await answer(theirs)).toBe("");
  });

  test("changes certificates under calls, streams and sockets, and none of them hears of it", async () => {
    const started = gateway([first]);
    const { port, plan } = started;
    const kept = await connect(port);
    expect(await call(kept)).not.toMatch(/connection: close/i);
    const streaming = await connect(port);
    const slow = JSON.stringify({
      ...{ model: "sim/slow", stream: true, messages: [{ role: "user", content: "Hello" }] },
    });
    streaming.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${slow.length}\r\n\r\n${slow}`,
    );
    await readUntil(streaming, /data: /);
    const socket = new WebSocket(`wss://localhost:${port}/v1/chat/completions`, {
      tls: { ca: authority.cert },
    } as unknown as string[]);
    await once(socket, "open");

    started.gateway.setPlan(withTls(plan, [{ ...second, names: [] }]));
    const lenient = { checkServerIdentity: () => undefined };
    let name = "localhost";
    for (const end_ms = performance.now() + 10_000; name !== "second.test" && performance.now() < end_ms; )
      name = nameOf(await connect(port, lenient)) as string;
    // The former listener may stand for some milliseconds beside the new one.
    for (let look = 0; look < 20; look++)
      if (nameOf(await connect(port, lenient)) !== "second.test") await Bun.sleep(50);
    expect(nameOf(await connect(port, lenient))).toBe("second.test");
    expect(await call(await connect(port, lenient))).toContain("200 OK");

    // What is left of the former has its last answer, its stream whole, and its sockets.
    expect(await call(kept)).toMatch(/200 OK[\s\S]*connection: close/i);
    expect(await readUntil(streaming, /\[DONE\]/)).toContain("[DONE]");
    socket.send(JSON.stringify({ id: "1", body: JSON.parse(CHAT) }));
    const [message] = (await once(socket, "message")) as [MessageEvent];
    expect(JSON.parse(String(message.data))).toMatchObject({ id: "1" });
    socket.close();
  });

  test("begins and ends to speak TLS on the same port", async () => {
    const started = room.gateway(planOf("{}"), { share_port: true });
    const { port, plan } = started;
    expect((await started.fetch("/health/live")).status).toBe(200);
    const untilIt = async (isSo: () => Promise<boolean>) => {
      for (const end_ms = performance.now() + 10_000; performance.now() < end_ms; await Bun.sleep(20))
        if (await isSo().catch(() => false)) return true;
      return false;
    };
    started.gateway.setPlan(withTls(plan, [first]));
    expect(await untilIt(async () => (await call(await connect(port))).includes("200 OK"))).toBe(true);
    started.gateway.setPlan(plan);
    expect(await untilIt(async () => (await started.fetch("/health/live")).status === 200)).toBe(true);
  });
});
