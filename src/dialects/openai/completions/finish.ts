// Why a legacy completion ended. It calls no tools: what other formats say of calls is a stop.

import type { Finish } from "../../neutral/answer.ts";
import { writeFinish as writeChatFinish } from "../chat/finish.ts";

/** The finish reason that a client is told: `stop`, `length`, `content_filter`, or `error`. */
export function writeFinish(finish: Finish): string {
  const word = writeChatFinish(finish, false, false);
  return word === "tool_calls" ? "stop" : word;
}
