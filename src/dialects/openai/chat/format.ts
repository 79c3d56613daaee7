// OpenAI's chat completions, and those of who took them over, as a format.

import type { Format } from "../../neutral/format.ts";
import { readAnswer } from "./read_answer.ts";
import { readRequest } from "./read_request.ts";
import { readStream } from "./read_stream.ts";
import { writeAnswer } from "./write_answer.ts";
import { writeRequest } from "./write_request.ts";
import { writeStream } from "./write_stream.ts";

/** Chat completions. */
export const CHAT: Format = {
  name: "chat",
  ...{ readRequest, writeRequest, readAnswer, writeAnswer, readStream, writeStream },
};
