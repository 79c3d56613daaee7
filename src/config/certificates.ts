// The certificates of the public listener, read from their files: whose they are, until when they hold, and whether their keys are
// theirs. What is wrong is told before anything listens with them.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Finding } from "./explain.ts";
import { formatPath, type Path } from "./problem.ts";
import type { ListenTlsConfig } from "./tls_schema.ts";

/** The text of a file that a configuration names, or what is wrong with it. */
export type ReadText = (path: string) => { readonly text: string } | { readonly fault: string };

/** A certificate with its key. */
export interface Certificate {
  /** PEM: its own, then those that vouch for it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** The host names that it is for, `*.example.com` among them. */
  readonly names: readonly string[];
  /** From when and until when it holds, in seconds since 1970. */
  readonly not_before_s: number;
  readonly not_after_s: number;
}

/** What the public listener speaks TLS with. */
export interface TlsPlan {
  /** The first is for clients that ask for no name, or for one that none has; never empty. */
  readonly certificates: readonly Certificate[];
  readonly min_version: ListenTlsConfig["min_version"];
  /** PEM of those who issue clients' certificates; null: clients need none. */
  readonly client_ca: string | null;
}

const AT: Path = ["listen", "tls"];
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Reads what `listen.tls` names; or everything that is wrong with it. */
export function readTls(
  config: ListenTlsConfig,
  read: ReadText,
): { readonly plan: TlsPlan } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const certificates: Certificate[] = [];
  for (const [index, pair] of [config, ...config.more].entries()) {
    const at = index === 0 ? AT : [...AT, "more", index - 1];
    const found = readCertificate(pair, at, read);
    if ("message" in found) findings.push(found);
    else certificates.push(found);
  }
  const client_ca = config.client_ca === undefined ? null : readChain(config.client_ca, read);
  if (client_ca !== null && "fault" in client_ca)
    findings.push(finding([...AT, "client_ca"], client_ca.fault));
  if (findings.length > 0) return { findings };
  const ca = client_ca === null || "fault" in client_ca ? null : client_ca.pem;
  return { plan: { certificates, min_version: config.min_version, client_ca: ca } };
}

function finding(path: Path, what: string): Finding {
  return { path, part: "value", message: `${formatPath(path)} ${what}` };
}

function readCertificate(
  pair: { readonly cert: string; readonly key: string },
  at: Path,
  read: ReadText,
): Certificate | Finding {
  const cert_at = [...at, "cert"];
  const chain = readChain(pair.cert, read);
  if ("fault" in chain) return finding(cert_at, chain.fault);
  const key = readKey(pair.key, read);
  if ("fault" in key) return finding([...at, "key"], key.fault);
  const [own, ...issuers] = chain.certificates;
  if (!own!.checkPrivateKey(key.key)) {
    return issuers.some((issuer) => issuer.checkPrivateKey(key.key))
      ? finding(
          cert_at,
          "must begin with the server's own certificate; those that vouch for it come after it",
        )
      : finding([...at, "key"], `is not the key of the certificate in ${formatPath(cert_at)}`);
  }
  return {
    cert: chain.pem,
    key: key.pem,
    names: hostNames(own!),
    not_before_s: secondsOf(own!.validFrom),
    not_after_s: secondsOf(own!.validTo),
  };
}

function readChain(
  path: string,
  read: ReadText,
): { readonly pem: string; readonly certificates: readonly X509Certificate[] } | { readonly fault: string } {
  const file = read(path);
  if ("fault" in file) return file;
  const blocks = file.text.match(BLOCK) ?? [];
  if (blocks.length === 0)
    return { fault: "names a file without a certificate in PEM (-----BEGIN CERTIFICATE-----)" };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { fault: `names a file whose certificate ${index + 1} of ${blocks.length} is damaged` };
    }
  }
  return { pem: `${blocks.join("\n")}\n`, certificates };
}

function readKey(
  path: string,
  read: ReadText,
): { readonly pem: string; readonly key: KeyObject } | { readonly fault: string } {
  const file = read(path);
  if ("fault" in file) return file;
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(file.text))
    return { fault: "names a key that is encrypted; decrypt it with: openssl pkey -in KEY -out NEW_KEY" };
  try {
    const key = createPrivateKey(file.text);
    return { pem: key.export({ type: "pkcs8", format: "pem" }).toString(), key };
  } catch {
    return { fault: "names a file without a private key in PEM (-----BEGIN PRIVATE KEY-----)" };
  }
}

/** RFC 5280, 4.2.1.6: the names of its extension; the common name has not counted for long. */
function hostNames(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? "")
    .split(", ")
    .filter((name) => name.startsWith("DNS:"))
    .map((name) => name.slice(4).toLowerCase());
}

function secondsOf(time: string): number {
  return Math.floor(Date.parse(time) / 1_000);
}
