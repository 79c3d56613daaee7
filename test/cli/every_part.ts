// A configuration that needs every part of the program that is no module: addons, weights, threads, prepared prices.

/** The text of `venturi.yaml`. */
export const EVERY_PART = `
listen: { port: 0, workers: 1 }
telemetry: { content: { store: on } }
models:
  chat:
    targets: [{ provider: sim, model: echo }]
    cache: { exact: { ttl_s: 600 }, semantic: { threshold: 0.8 } }
    privacy: { mode: redact, entities: [EMAIL, PERSON] }
    guards: { input: [prompt_injection] }
`;
