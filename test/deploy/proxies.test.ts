// The snippets for proxies in front, in the proxies themselves: TLS, streams that pass as they come, WebSockets, large requests, and what is
// for operators kept from others. Each is skipped where its proxy is not installed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CertificateAuthority, HAS_OPENSSL } from "../certificate_authority.ts";
import { chat, Venturi } from "../chaos/harness.ts";

const DEPLOY = resolve(import.meta.dirname, "../../deploy");
const NAME = "llm.example.com";

function isInstalled(...command: [string, ...string[]]): boolean {
  return spawnSync(command[0], command.slice(1)).status === 0;
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly gateway_port: number;
}

/** A snippet as it is shipped, but for the places of certificates and ports. */
function nginxCommand({ folder, port, gateway_port }: Place): string[] {
  const snippet = readFileSync(join(DEPLOY, "nginx/venturi.conf"), "utf8")
    .replace("server 127.0.0.1:8080;", `server 127.0.0.1:${gateway_port};`)
    .replace("listen 443 ssl http2;", `listen 127.0.0.1:${port} ssl http2;`)
    .replace("    listen [::]:443 ssl http2;\n", "")
    .replaceAll(`/etc/letsencrypt/live/${NAME}/`, `${folder}/`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const whole = `daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${temporary}
${snippet}
}
`;
  writeFileSync(
    join(folder, "nginx.conf"),
    process.getuid?.() === 0 ? whole : whole.replace("user root;", ""),
  );
  return ["nginx", "-c", join(folder, "nginx.conf"), "-p", folder];
}

function caddyCommand({ folder, port, gateway_port }: Place): string[] {
  const snippet = readFileSync(join(DEPLOY, "caddy/Caddyfile"), "utf8")
    .replace("127.0.0.1:8080", `127.0.0.1:${gateway_port}`)
    // Nobody is asked for a certificate here.
    .replace(`${NAME} {`, `https://${NAME}:${port} {\n\ttls ${folder}/fullchain.pem ${folder}/privkey.pem`);
  const global = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n";
  writeFileSync(join(folder, "Caddyfile"), global + snippet);
  return ["caddy", "run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
}

const PROXIES = [
  ["nginx", isInstalled("nginx", "-v"), nginxCommand],
  ["caddy", isInstalled("caddy", "version"), caddyCommand],
] as const;

for (const [proxy, is_installed, commandOf] of PROXIES) {
  describe.skipIf(!is_installed || !HAS_OPENSSL)(`behind ${proxy} (needs ${proxy} and openssl)`, () => {
    const undone: (() => unknown)[] = [];
    afterAll(async () => {
      for (const undo of undone.reverse()) await undo();
    });
    let place: Place;
    let ca = "";

    const tls = () => ({ tls: { ca, serverName: NAME, checkServerIdentity: () => undefined } });
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`https://localhost:${place.port}${path}`, {
        ...init,
        headers: { host: NAME, ...(init.headers as Record<string, string>) },
        ...tls(),
      });

    test("it starts with the snippet, and calls pass", async () => {
      const authority = new CertificateAuthority();
      undone.push(() => authority.dispose());
      ca = authority.cert;
      const folder = mkdtempSync(join(tmpdir(), `venturi-${proxy}-`));
      undone.push(() => rmSync(folder, { recursive: true, force: true }));
      const { cert, key } = authority.issue([NAME, "localhost"]);
      writeFileSync(join(folder, "fullchain.pem"), cert);
      writeFileSync(join(folder, "privkey.pem"), key);
      const venturi = new Venturi({ args: ["--workers", "1"], config: "{}" });
      undone.push(() => venturi.end());
      await venturi.ready();
      place = { folder, port: freePort(), gateway_port: venturi.port };
      const home = { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, HOME: folder };
      const running = Bun.spawn(commandOf(place), {
        env: { PATH: process.env["PATH"] ?? "", ...home },
        ...{ stdin: "ignore", stdout: "ignore", stderr: Bun.file(join(folder, "said")) },
      });
      undone.push(() => {
        running.kill();
        return running.exited;
      });
      let status = 0;
      for (let look = 0; look < 400 && status !== 200; look++) {
        if (running.exitCode !== null) break;
        status = await ask("/health/live").then(
          (answer) => answer.status,
          () => 0,
        );
        if (status !== 200) await Bun.sleep(25);
      }
      expect({ status, said: status === 200 ? "" : readFileSync(join(folder, "said"), "utf8") }).toEqual({
        ...{ status: 200, said: "" },
      });
      const answer = await ask("/v1/chat/completions", { method: "POST", body: chat("sim/echo", "through") });
      expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "through" } }] });
    });

    test("a stream passes as it comes", async () => {
      const body = chat("sim/slow", "one two three four", { stream: true });
      const answer = await ask("/v1/chat/completions", { method: "POST", body });
      expect(answer.headers.get("content-type")).toContain("text/event-stream");
      const parts: string[] = [];
      const decoder = new TextDecoder();
      for await (const part of answer.body!) parts.push(decoder.decode(part, { stream: true }));
      expect(parts.join("")).toMatch(/data: \[DONE\]\s*$/);
      // The simulator sends word by word: what is held back would come at once.
      expect(parts.length).toBeGreaterThan(3);
    });

    test("a WebSocket is upgraded", async () => {
      const socket = new WebSocket(`wss://localhost:${place.port}/v1/chat/completions`, {
        headers: { host: NAME },
        ...tls(),
      } as unknown as string[]);
      const { promise, resolve: done, reject } = Promise.withResolvers<string>();
      socket.onopen = () =>
        socket.send(JSON.stringify({ id: "1", body: JSON.parse(chat("sim/echo", "socket")) }));
      socket.onmessage = ({ data }) => done(String(data));
      socket.onerror = () => reject(new Error("the socket was not opened"));
      expect(JSON.parse(await promise)).toMatchObject({ id: "1", event: "chunk" });
      socket.close();
    });

    test("a request of some megabytes passes, and one that is too large is refused by the gateway itself", async () => {
      const large = await ask("/v1/chat/completions", {
        ...{ method: "POST", body: chat("sim/echo", "x".repeat(3_000_000)) },
      });
      expect(large.status).toBe(200);
      expect((await large.text()).length).toBeGreaterThan(3_000_000);
    });

    test("what is for operators is there for this machine", async () => {
      expect((await ask("/metrics")).status).toBe(200);
    });
  });
}
