// Anthropic's Messages, on either side of a call.

import type { Format } from "../neutral/format.ts";
import { readAnswer } from "./read_answer.ts";
import { readRequest } from "./read_request.ts";
import { MessagesStreamReader } from "./read_stream.ts";
import { writeAnswer } from "./write_answer.ts";
import { writeRequest } from "./write_request.ts";
import { MessagesStreamWriter } from "./write_stream.ts";

/** The Messages format. */
export const MESSAGES: Format = {
  name: "messages",
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream: (sink) => new MessagesStreamReader(sink),
  writeStream: (context) => new MessagesStreamWriter(context),
};
