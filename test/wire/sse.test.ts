// The SSE framer in TypeScript against the cases of every framer.
// There is nothing here that another framer would not have to pass too.

import { SseFramer } from "../../src/wire/sse.ts";
import { describeSseFramer } from "./sse.cases.ts";

describeSseFramer(
  "the framer in TypeScript",
  (limit_bytes, onEvent) => new SseFramer(limit_bytes, { onEvent }),
);
