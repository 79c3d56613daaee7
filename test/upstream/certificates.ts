// A certificate authority and a server certificate for the TLS tests, made by openssl in a temporary folder.
// The server's is good for localhost, good.test and 127.0.0.1, and for nothing else.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** All of it as PEM. */
export interface Certificates {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** Null where there is no openssl. */
export function makeCertificates(): Certificates | null {
  const folder = mkdtempSync(join(tmpdir(), "venturi-tls-"));
  const key_type = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const run = (...args: string[]): boolean => spawnSync("openssl", args, { cwd: folder }).status === 0;
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  try {
    writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,DNS:good.test,IP:127.0.0.1\n");
    const made =
      run(
        "req",
        "-x509",
        ...key_type,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=Test CA",
      ) &&
      run("req", ...key_type, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost") &&
      run(
        ...["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
        ...["-days", "2", "-extfile", "names", "-out", "server.pem"],
      );
    return made ? { ca: read("ca.pem"), key: read("server.key"), cert: read("server.pem") } : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
