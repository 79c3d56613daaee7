// The simulator's models by name: four that answer, four that fail.
// Every failure that a provider can show is a model here, so that it can be rehearsed with one `curl`.

import { SIM_MODELS } from "../../config/providers.ts";

/**
 * A model of the simulator. `echo`: the last user message; `lorem`: a fixed text; `tool`: calls the first tool;
 * `slow`: like `lorem`, a word at a time; `error-429`, `error-500`: these errors; `hang`: no answer ever;
 * `cut`: an answer that breaks off.
 */
export type SimModel = "echo" | "lorem" | "tool" | "slow" | "error-429" | "error-500" | "hang" | "cut";

/** Whether `name` is a model of the simulator. */
export function isSimModel(name: string): name is SimModel {
  return SIM_MODELS.includes(name);
}

/** When every answer and model was made, in Unix seconds: 2025-01-01. Fixed, so that equal requests give equal bytes. */
export const CREATED_S = 1_735_689_600;
