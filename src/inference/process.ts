// The role of the inference process: get the configuration from the supervisor, serve, drain. When the supervisor is gone, it
// goes too.

import type { LoadBuiltin } from "./embedders/builtin_embedder.ts";
import { embedderMaker } from "./embedders/make_embedder.ts";
import type { FromInference, ToInference } from "./protocol.ts";
import { type Service, startService } from "./service.ts";

/** How often it says that its loop goes round; the supervisor ends a process that has not for long. */
const ALIVE_EVERY_MS = 2_000;
/** How long what was begun may take when it is told to end. */
const DRAIN_MS = 2_000;

/** Runs an inference process; returns when the channel is set up, the process ends by itself. */
export function runInferenceProcess(loadBuiltin: LoadBuiltin): void {
  let service: Service | null = null;
  let is_draining = false;

  const log = (line: string) => console.error(`venturi: inference: ${line}`);
  const tell = (message: FromInference) => {
    if (process.connected) process.send?.(message);
  };

  async function drain(): Promise<void> {
    if (is_draining) return;
    is_draining = true;
    try {
      await service?.stop(DRAIN_MS);
    } catch (error) {
      log(`it did not end well: ${error instanceof Error ? error.message : String(error)}`);
    }
    process.exit(0);
  }

  process.on("message", (message: ToInference) => {
    switch (message.kind) {
      case "start": {
        const { config, is_distrusted } = message;
        const started = startService({
          config,
          is_distrusted,
          makeEmbedder: embedderMaker(loadBuiltin),
          log,
        });
        if ("fault" in started) {
          tell({ kind: "failed", message: started.fault });
          break;
        }
        service = started;
        tell({ kind: "listening" });
        break;
      }
      case "config":
        service?.configure(message.config);
        break;
      case "drain":
        void drain();
        break;
    }
  });
  process.on("disconnect", () => void drain());
  process.on("SIGTERM", () => void drain());
  // A terminal sends these to the whole group; the supervisor is who decides.
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  setInterval(() => tell({ kind: "alive" }), ALIVE_EVERY_MS);
  tell({ kind: "hello" });
}
