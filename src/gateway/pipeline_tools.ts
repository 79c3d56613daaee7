// What the way of a call needs of the process that it is in.

import type { StoredKeys } from "../access/stored_keys.ts";
import type { AttemptTools } from "./attempt.ts";
import type { Books } from "./books.ts";
import type { Caches } from "./caches.ts";
import type { Call } from "./call.ts";
import type { Content } from "./content.ts";
import type { Guards } from "./guards.ts";
import type { KeptResponses } from "./kept_responses.ts";
import type { Lazy } from "./lazy.ts";
import type { Clocks } from "./prepare.ts";
import type { Privacy } from "./privacy.ts";
import type { QualityWatch } from "./quality_watch.ts";
import type { Shadows } from "./shadows.ts";

/** What the pipeline needs of the process it runs in. */
export interface PipelineTools extends AttemptTools {
  readonly clocks: Clocks;
  readonly books: Books;
  /** Keys besides those of the Plan. */
  readonly stored_keys: StoredKeys | null;
  readonly privacy: Lazy<Privacy>;
  readonly guards: Lazy<Guards>;
  /** Null: no answers are kept. */
  readonly caches: Lazy<Caches> | null;
  /** What conversations go on from; null: nothing is kept. */
  readonly responses: Lazy<KeptResponses> | null;
  readonly shadows: Lazy<Shadows>;
  /** What is kept of prompts and answers, where a Plan wants that; null: nothing is. */
  readonly content: Lazy<Content> | null;
  readonly quality: QualityWatch;
  /** The caller is known: the call counts as in flight, and its client is watched from now on. */
  onCallBegin(call: Call): void;
  /** The call has ended, in whatever way. */
  onCallEnd(call: Call): void;
}
