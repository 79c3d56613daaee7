// The role of the inference process: get the configuration from the supervisor, serve, drain. When the supervisor is gone, it
// goes too.

import { say } from "../config/say.ts";
import type { LoadBuiltin } from "./embedders/builtin_embedder.ts";
import { embedderMaker } from "./embedders/make_embedder.ts";
import { type Inference, startInference } from "./inference.ts";
import type { LoadNer } from "./ner/name_set.ts";
import type { FromInference, ToInference } from "./protocol.ts";

/** How often it says that its loop goes round; the supervisor ends a process that has not for long. */
const ALIVE_EVERY_MS = 2_000;
/** How long what was begun may take when it is told to end. */
const DRAIN_MS = 2_000;

/** Runs an inference process; returns when the channel is set up, the process ends by itself. */
export function runInferenceProcess(loadBuiltin: LoadBuiltin, loadNer?: LoadNer): void {
  let inference: Inference | null = null;
  let is_draining = false;

  const log = (line: string) => say(`inference: ${line}`);
  const tell = (message: FromInference) => {
    if (process.connected) process.send?.(message);
  };

  async function drain(): Promise<void> {
    if (is_draining) return;
    is_draining = true;
    try {
      await inference?.stop(DRAIN_MS);
    } catch (error) {
      log(`it did not end well: ${error instanceof Error ? error.message : String(error)}`);
    }
    process.exit(0);
  }

  process.on("message", (message: ToInference) => {
    switch (message.kind) {
      case "start": {
        const { config, is_distrusted } = message;
        const makeEmbedder = embedderMaker(loadBuiltin);
        // What an addon has in memory of a damaged file is gone for sure when the process is.
        const onDamage = () => process.exit(1);
        const started = startInference({
          config,
          is_distrusted,
          makeEmbedder,
          ...(loadNer === undefined ? {} : { loadNer }),
          onDamage,
          log,
        });
        if ("fault" in started) {
          tell({ kind: "failed", message: started.fault });
          break;
        }
        inference = started;
        tell({ kind: "listening" });
        break;
      }
      case "config":
        inference?.configure(message.config);
        break;
      case "release":
        void inference?.release();
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
  process.on("SIGUSR2", () => {});
  // A promise that an addon forgot is no reason to end. What it says might hold anything, so it is not repeated.
  process.on("unhandledRejection", (reason) => {
    log(`an unexpected failure (${reason instanceof Error ? reason.name : typeof reason})`);
  });
  setInterval(() => tell({ kind: "alive" }), ALIVE_EVERY_MS);
  tell({ kind: "hello" });
}
