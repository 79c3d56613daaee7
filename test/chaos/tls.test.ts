// TLS as an operator runs it: certificates that are renewed by writing their files, under calls of which none may fail.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { CertificateAuthority, HAS_OPENSSL } from "../certificate_authority.ts";
import { venturi as run } from "../cli/command.ts";
import { chat, Venturi } from "./harness.ts";

describe.skipIf(!HAS_OPENSSL)("a certificate is renewed (needs openssl)", () => {
  const authority = HAS_OPENSSL ? new CertificateAuthority() : null;
  let venturi: Venturi | null = null;
  afterEach(async () => {
    await venturi?.end();
    venturi = null;
  });
  afterAll(() => authority?.dispose());

  test("once both of its files are written, and no call fails meanwhile", async () => {
    const [before, after] = [
      authority!.issue(["localhost"]),
      authority!.issue(["localhost", "renewed.test"]),
    ];
    const files = join(authority!.folder, "live");
    const write = (kind: "cert" | "key", text: string) => writeFileSync(`${files}.${kind}`, text);
    write("cert", before.cert);
    write("key", before.key);
    venturi = new Venturi({
      command: ["serve", "--data", "./data"],
      config: `listen: { port: 0, workers: 2, tls: { cert: "${files}.cert", key: "${files}.key" } }\n`,
    });
    await venturi.ready();
    expect(await venturi.line(/listening on/)).toContain("https://");
    const url = `https://localhost:${venturi.port}`;
    const options = { tls: { ca: authority!.cert } };

    let is_over = false;
    const told: (number | string)[] = [];
    const caller = async () => {
      while (!is_over) {
        const answer = fetch(`${url}/v1/chat/completions`, {
          method: "POST",
          body: chat("sim/echo"),
          ...options,
        });
        told.push(await answer.then(async (one) => (await one.text()) && one.status).catch(String));
      }
    };
    const callers = Array.from({ length: 8 }, caller);

    write("cert", after.cert);
    await venturi.line(/listen\.tls\.key is not the key of the certificate/);
    await venturi.line(/nothing changes/);
    write("key", after.key);
    await venturi.line(/configuration reloaded/);
    // Only the new certificate has this name.
    const { port } = venturi;
    const isRenewed = async () => {
      const socket = connect({ host: "127.0.0.1", port, servername: "renewed.test", ca: authority!.cert });
      const { promise, resolve } = Promise.withResolvers<boolean>();
      socket.once("secureConnect", () => resolve(true)).once("error", () => resolve(false));
      return promise.finally(() => socket.destroy());
    };
    for (let look = 0; look < 200 && !(await isRenewed()); look++) await Bun.sleep(20);
    expect(await isRenewed()).toBe(true);
    // Commands of this machine find it by its configuration, whatever name its certificate has.
    writeFileSync(join(venturi.folder, "request.json"), chat("sim/echo"));
    const bare = `listen: { port: ${port}, tls: { cert: "${files}.cert", key: "${files}.key" } }\n`;
    writeFileSync(join(venturi.folder, "bare.yaml"), bare);
    const explained = await run(venturi.folder, "explain", "request.json", "--config", "bare.yaml");
    expect(explained).toMatchObject({ code: 0, stdout: expect.stringContaining("It would be sent") });
    const count = told.length;
    await venturi.until(() => told.length > count + 50, "calls after the change");
    is_over = true;
    await Promise.all(callers);
    expect([...new Set(told)]).toEqual([200]);
  });
});
