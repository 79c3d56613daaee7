// An inference process that dies of a fault of memory as soon as it opens what is stored.

import type { FromInference, ToInference } from "../../src/inference/protocol.ts";

const tell = (message: FromInference) => process.send?.(message);
process.on("message", (message: ToInference) => {
  if (message.kind === "drain") process.exit(0);
  if (message.kind !== "start") return;
  if (message.is_distrusted) tell({ kind: "listening" });
  else process.kill(process.pid, "SIGSEGV");
});
setInterval(() => tell({ kind: "alive" }), 1_000);
tell({ kind: "hello" });
