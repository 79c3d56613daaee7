// What is shipped for deploying: units that systemd takes, documents that are YAML, and configurations in them that load.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { parseConfig } from "../../src/config/load.ts";

const DEPLOY = resolve(import.meta.dirname, "../../deploy");
const textOf = (path: string) => readFileSync(join(DEPLOY, path), "utf8");
const ENV = {
  ...{ OPENAI_API_KEY: "k", VENTURI_CLIENT_KEY: "c", VENTURI_ADMIN_TOKEN: "admin-token-of-a-test" },
  ...{ VALKEY_PASSWORD: "v", POSTGRES_PASSWORD: "p", VENTURI_STATE_SECRET: "a-secret-of-a-test" },
};

const HAS_SYSTEMD = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe.skipIf(!HAS_SYSTEMD)("systemd's units (needs systemd-analyze)", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "venturi-units-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("are without a fault, and leave the service little", () => {
    const units = ["venturi.service", "venturi.socket", "venturi-backup.service", "venturi-backup.timer"];
    for (const unit of units) copyFileSync(join(DEPLOY, "systemd", unit), join(folder, unit));
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", ...units], {
      cwd: folder,
      encoding: "utf8",
    });
    const faults = verified.stderr
      .split("\n")
      .filter((line) => line !== "" && !/is not executable: No such file/.test(line));
    expect(faults).toEqual([]);
    const { stdout, status } = spawnSync(
      "systemd-analyze",
      ["security", "--offline=true", "--threshold=20", join(folder, "venturi.service")],
      { encoding: "utf8" },
    );
    expect(stdout).toMatch(/Overall exposure level for venturi\.service: [01]\.\d OK/);
    expect(status).toBe(0);
  });
});

describe("configurations", () => {
  const configured = new Map([
    ["docker/venturi.yaml", () => textOf("docker/venturi.yaml")],
    ["cluster/venturi.yaml", () => textOf("cluster/venturi.yaml")],
    [
      "cluster/kubernetes/venturi.yaml",
      () => {
        const documents = parseAllDocuments(textOf("cluster/kubernetes/venturi.yaml")).map((one) =>
          one.toJS(),
        );
        return documents.find(({ kind }) => kind === "ConfigMap").data["venturi.yaml"] as string;
      },
    ],
    [
      "kubernetes/venturi.yaml",
      () => {
        const documents = parseAllDocuments(textOf("kubernetes/venturi.yaml")).map((one) => one.toJS());
        return documents.find(({ kind }) => kind === "ConfigMap").data["venturi.yaml"] as string;
      },
    ],
  ]);
  for (const [file, read] of configured)
    test(`${file} loads`, () => {
      const loaded = parseConfig(Buffer.from(read()), file, { env: ENV });
      expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    });
});

describe("the cluster", () => {
  test("has three gateways with folders of their own, the same configuration everywhere, and stores that keep what they have", () => {
    const compose = parse(textOf("cluster/compose.yaml"), { merge: true }) as {
      services: Record<
        string,
        { volumes: string[]; command?: string[]; env_file?: string[]; read_only?: boolean }
      >;
      volumes: Record<string, null>;
    };
    const gateways = ["one", "two", "three"];
    for (const name of gateways) {
      const { volumes, read_only } = compose.services[name]!;
      expect(volumes).toEqual(["./venturi.yaml:/etc/venturi/venturi.yaml:ro", `${name}:/var/lib/venturi`]);
      expect(read_only).toBe(true);
    }
    expect(Object.keys(compose.volumes).sort()).toEqual([...gateways, "postgres", "valkey"].sort());
    expect(compose.services["valkey"]!.command!.join(" ")).toContain("noeviction");
    const all = ["venturi", "stores"].flatMap((name) =>
      parseAllDocuments(textOf(`cluster/kubernetes/${name}.yaml`)).map((document) => {
        expect(document.errors).toEqual([]);
        return document.toJS();
      }),
    );
    const gateway = all.find(({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "venturi");
    expect(gateway.spec.replicas).toBe(3);
    const shipped = all.find(({ kind }) => kind === "ConfigMap").data["venturi.yaml"] as string;
    expect(parse(shipped)).toEqual(parse(textOf("cluster/venturi.yaml")));
    for (const store of ["valkey", "postgres"])
      expect(all.some(({ kind, metadata }) => kind === "Service" && metadata.name === store)).toBe(true);
  });
});

describe("the manifests", () => {
  const documents = parseAllDocuments(textOf("kubernetes/venturi.yaml"));

  test("are YAML, and every part carries the name that the others select", () => {
    for (const document of documents) {
      expect(document.errors).toEqual([]);
      expect(document.toJS().metadata.labels).toEqual({ "app.kubernetes.io/name": "venturi" });
    }
    const resources = (parse(textOf("kubernetes/kustomization.yaml")) as { resources: string[] }).resources;
    for (const resource of resources) expect(textOf(`kubernetes/${resource}`)).not.toBe("");
  });

  test("run it as nobody, on a root that cannot be written, with probes at paths that there are", () => {
    const { spec } = documents.map((one) => one.toJS()).find(({ kind }) => kind === "StatefulSet")
      .spec.template;
    const [container] = spec.containers;
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
    });
    expect(container.livenessProbe.httpGet.path).toBe("/health/live");
    expect(container.readinessProbe.httpGet.path).toBe("/health/ready");
    // It has to be able to finish its calls: drain_ms is 30 s, and 5 s pass before it is told.
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(
      30 + container.lifecycle.preStop.sleep.seconds + 10,
    );
  });
});
