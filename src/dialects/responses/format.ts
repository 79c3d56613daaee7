// OpenAI Responses: what clients of `/v1/responses` say, and what providers of it take.

import type { Format } from "../neutral/format.ts";
import { readAnswer } from "./read_answer.ts";
import { readRequest } from "./read_request.ts";
import { ResponsesStreamReader } from "./read_stream.ts";
import { writeAnswer } from "./write_answer.ts";
import { writeRequest } from "./write_request.ts";
import { ResponsesStreamWriter } from "./write_stream.ts";

/** The format of `/v1/responses`. */
export const RESPONSES: Format = {
  name: "responses",
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream: (sink) => new ResponsesStreamReader(sink),
  writeStream: (context) => new ResponsesStreamWriter(context),
};
