// The inference process' work for a gateway under test, done in the test's own process.

import { loadBuiltinEmbedder } from "../../src/inference/embedders/builtin/embedder.ts";
import { embedderMaker } from "../../src/inference/embedders/make_embedder.ts";
import { startInference } from "../../src/inference/inference.ts";
import type { Rig, TestGateway } from "./harness.ts";

/** Serves the built-in embedder and its index from the gateway's folder; stopped after the test. */
export function serveInference(room: Rig, gateway: TestGateway, max_entries = 10) {
  const service = startInference({
    config: { data: gateway.kept.folder, embedders: [{ kind: "builtin" }], max_entries, threads: 1 },
    is_distrusted: false,
    makeEmbedder: embedderMaker(loadBuiltinEmbedder),
    onDamage: () => {},
    log: () => {},
  });
  if ("fault" in service) throw new Error(service.fault);
  room.after(() => service.stop(100));
  return service;
}
