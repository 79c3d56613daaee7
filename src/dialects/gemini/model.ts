// What Gemini's models of different generations take, told by their names.

/** The generation of a model by its name: 2.5 of `gemini-2.5-pro`. Names without a number (`gemini-flash-latest`) are the newest. */
export function generationOf(model: string): number {
  const name = model.slice(model.lastIndexOf("/") + 1);
  if (!name.startsWith("gemini-"))
    return name.startsWith("gemma") || name.startsWith("learnlm") ? 0 : Infinity;
  const generation = Number.parseFloat(name.slice("gemini-".length));
  return Number.isNaN(generation) ? Infinity : generation;
}
