// `listen.tls`: what is wrong with certificates is told before anything listens with them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateState, certificateText } from "../../src/config/certificate_text.ts";
import type { Certificate } from "../../src/config/certificates.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { CertificateAuthority, HAS_OPENSSL } from "../certificate_authority.ts";

describe.skipIf(!HAS_OPENSSL)("a listener's certificates (needs openssl)", () => {
  let authority: CertificateAuthority;
  let folder = "";

  beforeAll(() => {
    authority = new CertificateAuthority();
    folder = mkdtempSync(join(tmpdir(), "venturi-tls-"));
    const [a, b] = [authority.issue(["a.test", "*.a.test"]), authority.issue(["b.test"])];
    const files = {
      ...{ "a.pem": a.cert + authority.cert, "a.key": a.key, "b.pem": b.cert, "b.key": b.key },
      ...{ "ca.pem": authority.cert, "reversed.pem": authority.cert + a.cert, "none.pem": "nothing\n" },
      "damaged.pem": a.cert.replace(/[A-Za-z0-9]{20}/, "A"),
      "locked.key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  });
  afterAll(() => {
    authority?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function load(tls: string) {
    const file = join(folder, "venturi.yaml");
    writeFileSync(file, `listen: { tls: ${tls} }\n`);
    return loadConfig(file, { env: {} });
  }

  /** What is wrong, behind `file:line:col: `. */
  function faults(tls: string): string[] {
    const result = load(tls);
    return result.ok ? [] : result.problems.map((one) => formatProblem(one).replace(/^.*?:\d+:\d+: /, ""));
  }

  test("are read with their names and times, and their files are told", () => {
    const loaded = load(
      "{ cert: a.pem, key: a.key, more: [{ cert: b.pem, key: b.key }], client_ca: ca.pem }",
    );
    if (!loaded.ok) throw new Error("it should load");
    const { tls } = loaded.plan.listen;
    expect(tls?.certificates.map(({ names }) => names)).toEqual([["a.test", "*.a.test"], ["b.test"]]);
    const [first] = tls!.certificates;
    expect(first!.not_after_s - first!.not_before_s).toBe(3 * 86_400);
    expect(first!.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(tls?.client_ca).toBe(authority.cert);
    expect(loaded.files).toEqual(
      ["a.pem", "a.key", "b.pem", "b.key", "ca.pem"].map((name) => join(folder, name)),
    );
  });

  test("may all be wrong in their own ways", () => {
    expect(faults("{ cert: a.pem, key: b.key }")).toEqual([
      "listen.tls.key is not the key of the certificate in listen.tls.cert",
    ]);
    expect(faults("{ cert: reversed.pem, key: a.key }")).toEqual([
      "listen.tls.cert must begin with the server's own certificate; those that vouch for it come after it",
    ]);
    expect(faults("{ cert: none.pem, key: a.key, client_ca: a.key }")).toEqual([
      "listen.tls.cert names a file without a certificate in PEM (-----BEGIN CERTIFICATE-----)",
      "listen.tls.client_ca names a file without a certificate in PEM (-----BEGIN CERTIFICATE-----)",
    ]);
    expect(faults("{ cert: damaged.pem, key: a.key }")).toEqual([
      "listen.tls.cert names a file whose certificate 1 of 1 is damaged",
    ]);
    expect(faults("{ cert: a.pem, key: a.pem }")).toEqual([
      "listen.tls.key names a file without a private key in PEM (-----BEGIN PRIVATE KEY-----)",
    ]);
    expect(faults("{ cert: a.pem, key: locked.key }")).toEqual([
      "listen.tls.key names a key that is encrypted; decrypt it with: openssl pkey -in KEY -out NEW_KEY",
    ]);
    expect(faults("{ cert: a.pem, key: a.key, more: [{ cert: away.pem, key: b.key }] }")).toEqual([
      "listen.tls.more[0].cert cannot be used: there is no such file; create it, or name another",
    ]);
    expect(faults('{ cert: a.pem, key: a.key, min_version: "1.1" }')).toEqual([
      'listen.tls.min_version cannot be "1.1"; did you mean "1.2"?',
    ]);
  });
});

describe("how long a certificate holds", () => {
  const DAY_S = 86_400;
  const certificate = (days: number): Certificate => ({
    ...{ cert: "", key: "", names: ["a.test"], not_before_s: 0, not_after_s: days * DAY_S },
  });
  const day = (days: number) => days * DAY_S * 1_000;

  test("it should be renewed three weeks before its end, or in the last quarter of a short life", () => {
    expect(certificateState(certificate(90), day(68))).toBe("good");
    expect(certificateState(certificate(90), day(70))).toBe("renew");
    expect(certificateState(certificate(6), day(4))).toBe("good");
    expect(certificateState(certificate(6), day(5))).toBe("renew");
    expect(certificateState(certificate(90), day(90))).toBe("invalid");
    expect(certificateState(certificate(90), -1)).toBe("invalid");
  });

  test("is told in words", () => {
    expect(certificateText(certificate(90), day(10))).toBe("a.test: until 1970-04-01T00:00:00Z, 80 days");
    expect(certificateText(certificate(90), day(89.5))).toBe(
      "a.test: until 1970-04-01T00:00:00Z, less than a day; renew it",
    );
    expect(certificateText(certificate(90), day(91))).toBe("a.test: has expired at 1970-04-01T00:00:00Z");
    expect(certificateText(certificate(90), -1)).toBe("a.test: holds only from 1970-01-01T00:00:00Z on");
  });
});
