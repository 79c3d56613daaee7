// What is configured: whether it loads, whether its port is free, and whether its secrets are kept.

import { existsSync, readFileSync, statSync } from "node:fs";
import { hasStoredKeys } from "../../access/key_store.ts";
import { adminSocketPath } from "../../config/admin_socket.ts";
import { certificateState, certificateText } from "../../config/certificate_text.ts";
import { type LoadResult, loadConfig, zeroConfig } from "../../config/load.ts";
import { formatProblem } from "../../config/problem.ts";
import { isAnswered } from "../../console/admin.ts";
import { claimPort } from "../../supervisor/port.ts";
import { checkCustom } from "../check_custom.ts";
import { bad, type Finding, ok } from "./finding.ts";

/** Problems that are told; `venturi check` tells all of them. */
const PROBLEMS_TOLD = 3;

/** Loads what would be served; null stands for no file. */
export function loadServed(file: string | null, data: string | undefined): LoadResult {
  const options = { overrides: { data }, hasStoredKeys, checkCustom };
  return file === null ? zeroConfig(options) : loadConfig(file, options);
}

/** The findings of the configuration itself. */
export function checkConfig(file: string | null, loaded: LoadResult): Finding[] {
  if (!loaded.ok) {
    const told = loaded.problems.slice(0, PROBLEMS_TOLD).map(formatProblem).join("; ");
    return [bad("fail", "configuration", told, "correct it; venturi check tells all that is wrong")];
  }
  const { plan } = loaded;
  const providers = [...plan.providers.keys()];
  const findings = [
    ok("configuration", `${file ?? "none: providers come from the environment"} (${providers.join(", ")})`),
  ];
  if (providers.every((name) => name === "sim"))
    findings.push(
      bad(
        "note",
        "providers",
        "the simulator alone",
        "set a provider's key, such as OPENAI_API_KEY, or configure providers",
      ),
    );
  if (file !== null) findings.push(...readability(file, "configuration file"));
  for (const named of loaded.files) findings.push(...readability(named, "file"));
  for (const certificate of plan.listen.tls?.certificates ?? []) {
    const text = certificateText(certificate, Date.now());
    const verdict = { good: "ok", renew: "warn", invalid: "fail" } as const;
    const state = verdict[certificateState(certificate, Date.now())];
    findings.push(
      state === "ok"
        ? ok("certificate", text)
        : bad(state, "certificate", text, "write a new one in place of its files"),
    );
  }
  return findings;
}

/** Secrets that others of this host may read. Certificates are read by everybody, private keys by nobody else. */
function readability(path: string, what: string): Finding[] {
  const { mode } = statSync(path);
  const holds_secret =
    what === "configuration file" ? hasLiteralKey(path) : /\.key$|key[^/]*\.pem$|\.json$/.test(path);
  if ((mode & 0o004) === 0 || !holds_secret) return [];
  return [bad("warn", what, `${path} holds secrets and may be read by everybody`, `chmod o-r ${path}`)];
}

/** Whether a file holds what looks like a provider's or a client's key, and not a reference to one. */
function hasLiteralKey(path: string): boolean {
  const text = readFileSync(path, "utf8");
  return /\b(sk|gsk|xai|AIza|AKIA)[-_A-Za-z0-9]{16,}/.test(text);
}

/** Whether the gateway could listen, or does. */
export async function checkPort(loaded: LoadResult): Promise<Finding[]> {
  if (!loaded.ok) return [];
  const { host, port } = loaded.plan.listen;
  const { data } = loaded.config;
  const socket = adminSocketPath(data);
  if (typeof socket !== "string")
    return [bad("warn", "admin socket", socket.fault, "choose a shorter path for the data folder")];
  if (existsSync(socket) && (await isAnswered(socket))) return [ok("port", `a gateway runs on ${data}`)];
  const claimed = claimPort(host, port);
  return [
    typeof claimed === "number"
      ? ok("port", `${port} of ${host} is free`)
      : bad(
          "fail",
          "port",
          claimed.fault,
          "choose another (listen.port), or stop what has it; ports below 1024 need CAP_NET_BIND_SERVICE or a socket unit (deploy/systemd)",
        ),
  ];
}
