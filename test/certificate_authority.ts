// A certificate authority of a test's own, made by openssl in a temporary folder: it issues whatever certificate a test needs.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate and its key, as PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** Whether certificates can be made here. */
export const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;

/** Issues certificates until it is disposed of. */
export class CertificateAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), "venturi-ca-"));
  /** Its own certificate, as PEM. */
  readonly cert: string;
  #issued = 0;

  constructor(name = "Test CA") {
    this.#run(
      "req",
      "-x509",
      ...NEW_KEY,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-days",
      "9",
      "-subj",
      `/CN=${name}`,
    );
    this.cert = readFileSync(join(this.folder, "ca.pem"), "utf8");
  }

  /** A certificate for host names, which holds for so many days. */
  issue(names: readonly string[], days = 3): Issued {
    const file = join(this.folder, `issued-${this.#issued++}`);
    const subject = ["-subj", `/CN=${names[0]}`];
    this.#run("req", ...NEW_KEY, "-keyout", `${file}.key`, "-out", `${file}.csr`, ...subject);
    writeFileSync(`${file}.ext`, `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}\n`);
    this.#run(
      ...["x509", "-req", "-in", `${file}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
      ...["-days", String(days), "-extfile", `${file}.ext`, "-out", `${file}.pem`],
    );
    return { cert: readFileSync(`${file}.pem`, "utf8"), key: readFileSync(`${file}.key`, "utf8") };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(...args: string[]): void {
    const { status, stderr } = spawnSync("openssl", args, { cwd: this.folder });
    if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
  }
}
