// Media that a client names by a URL, put into the request for providers that take bytes alone.

import type { MediaPlan } from "../config/plan.ts";
import type { Message, Part, Source } from "../dialects/neutral/parts.ts";
import type { ChatRequest } from "../dialects/neutral/request.ts";
import { GatewayError } from "../errors.ts";
import { MediaFetch } from "../upstream/media_fetch.ts";

/** A part that has media. */
export type MediaPart = Extract<Part, { readonly source: Source }>;

const fetchers = new WeakMap<MediaPlan, MediaFetch>();

function fetcherOf(plan: MediaPlan): MediaFetch {
  let fetcher = fetchers.get(plan);
  if (fetcher === undefined) {
    fetcher = new MediaFetch(plan);
    fetchers.set(plan, fetcher);
  }
  return fetcher;
}

/**
 * The request with bytes in the place of the URLs that `takesUrl` does not allow; itself where there are none. An error (400) where one
 * cannot be fetched.
 */
export async function withInlinedMedia(
  request: ChatRequest,
  takesUrl: (part: MediaPart, url: string) => boolean,
  plan: MediaPlan,
): Promise<ChatRequest | GatewayError> {
  const wanted = new Set<string>();
  const note = (part: MediaPart, url: string): Source => {
    if (!takesUrl(part, url)) wanted.add(url);
    return part.source;
  };
  for (const { parts } of request.messages) parts.map((part) => withSource(part, note));
  if (wanted.size === 0) return request;
  if (wanted.size > plan.max_count)
    return refused(`it names ${wanted.size} of them, and ${plan.max_count} are fetched at most`);
  const fetcher = fetcherOf(plan);
  const fetched = new Map<string, Source>();
  const faults: string[] = [];
  await Promise.all(
    Array.from(wanted, async (url) => {
      const media = await fetcher.fetch(url);
      if ("fault" in media) faults.push(media.fault);
      else
        fetched.set(url, {
          kind: "base64",
          media_type: media.media_type,
          data: Buffer.from(media.bytes).toString("base64"),
        });
    }),
  );
  if (faults.length > 0) return refused(faults[0]!);
  const put = (part: MediaPart, url: string): Source => fetched.get(url) ?? part.source;
  const messages = request.messages.map(
    (message): Message => ({ ...message, parts: message.parts.map((part) => withSource(part, put)) }),
  );
  return { ...request, messages };
}

/** A part with what `put` gives for each URL in it, results of tools included. */
function withSource(part: Part, put: (part: MediaPart, url: string) => Source): Part {
  switch (part.kind) {
    case "image":
    case "audio":
    case "video":
    case "file":
      return part.source.kind === "url" ? { ...part, source: put(part, part.source.url) } : part;
    case "tool_result":
      return { ...part, content: part.content.map((inner) => withSource(inner, put)) };
    default:
      return part;
  }
}

function refused(why: string): GatewayError {
  return new GatewayError("invalid_value", `Media of the request could not be fetched: ${why}.`);
}
