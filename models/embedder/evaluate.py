"""The cache protocol and the pair figures, for any function from texts to unit vectors."""

import numpy as np

import data

THRESHOLDS = np.round(np.arange(0.60, 0.9951, 0.005), 3)
LIMITS = (0.01, 0.02, 0.05)


def arrivals(vectors: np.ndarray, labels: np.ndarray, thresholds=THRESHOLDS) -> np.ndarray:
    """Counts (served, wrong) at each threshold: the queries arrive one after another, a miss is cached."""
    similar = vectors @ vectors.T
    count = len(vectors)
    out = np.zeros((len(thresholds), 2), int)
    for row, threshold in enumerate(thresholds):
        cached = np.zeros(count, int)
        size = 0
        for query in range(count):
            if size:
                near = similar[query][cached[:size]]
                best = int(near.argmax())
                if near[best] >= threshold:
                    out[row, 0] += 1
                    out[row, 1] += labels[query] != labels[cached[best]]
                    continue
            cached[size] = query
            size += 1
    return out


def shuffled(count: int) -> list[int]:
    """The order of bench/quality/embedder.ts."""
    order, state = list(range(count)), 1
    for at in range(count - 1, 0, -1):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        other = int(state / 2**32 * (at + 1))
        order[at], order[other] = order[other], order[at]
    return order


def protocol(vectors, labels, queries=6000):
    """Counts (served, wrong) per threshold, and how many queries there were."""
    order = shuffled(len(labels))[:queries]
    return arrivals(vectors[order], labels[order]), len(order)


def served_at(counts, asked, limits=LIMITS):
    """For each limit the largest share served with at most that share wrong, and its threshold."""
    out = []
    for limit in limits:
        best = (0.0, 1.0)
        for (served, wrong), threshold in zip(counts, THRESHOLDS):
            if served and wrong / served <= limit:
                best = max(best, (served / asked, -threshold))
        out.append((best[0], abs(best[1])))
    return out


def nearest_table(embed, only):
    """A steadier figure than the protocol's, for development: all texts are cached, each is asked, the nearest other one answers."""
    for name in ("clinc150", "banking77", "hwu64"):
        some = [row for row in data.intents() if row["set"] == name and only(row)]
        vectors = embed([row["text"] for row in some])
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -1)
        nearest, labels = similar.argmax(1), [row["intent"] for row in some]
        order = np.argsort(-similar.max(1))
        wrong = np.array([labels[i] == "oos" or labels[i] != labels[nearest[i]] for i in order])
        share = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
        served = [100 * (np.nonzero(share <= limit)[0].max() + 1) / len(wrong) if (share <= limit).any() else 0 for limit in LIMITS]
        print(f"  {name:10s} {len(some)}  " + "  ".join(f"{x:5.1f}" for x in served) + f"   nearest wrong {100 * wrong.mean():.1f}", flush=True)


def roc_auc(scores: np.ndarray, same: np.ndarray) -> float:
    order = np.argsort(scores, kind="stable")
    _, inverse, counts = np.unique(scores[order], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = same[order]
    yes, no = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def intent_table(embed, only=None, queries=6000):
    """Lines `set: served @1% @2% @5%` for the rows that `only` keeps."""
    rows = [row for row in data.intents() if only is None or only(row)]
    lines = {}
    for name in ("clinc150", "banking77", "hwu64"):
        some = [row for row in rows if row["set"] == name]
        names: dict[str, int] = {}
        labels = np.array(
            [-1 - i if row["intent"] == "oos" else names.setdefault(row["intent"], len(names)) for i, row in enumerate(some)]
        )
        counts, asked = protocol(embed([row["text"] for row in some]), labels, queries)
        lines[name] = (asked, counts, served_at(counts, asked))
    return lines


def show(title, lines):
    for name, (asked, _, served) in lines.items():
        print(f"{title:12s} {name:10s} {asked:6d} " + "  ".join(f"{100 * share:5.1f}% @{t:.3f}" for share, t in served), flush=True)


def pair_auc(embed, name, limit=None):
    some = data.pairs(name)[:limit]
    vectors = embed([row["a"] for row in some] + [row["b"] for row in some])
    a, b = vectors[: len(some)], vectors[len(some) :]
    return roc_auc((a * b).sum(1), np.array([row["same"] for row in some]))


def main():
    """MiniLM's own figures, to compare with."""
    import teacher

    rows = data.intents()
    vectors = dict(zip((row["text"] for row in rows), teacher.encode([row["text"] for row in rows])))

    def embed(texts):
        return np.array([vectors[text] for text in texts])

    show("all", intent_table(embed))
    show("held out", intent_table(embed, data.held_out))
    show("intents held out", intent_table(embed, lambda row: data.held_out_intent(row["set"], row["intent"])))
    print("mrpc", round(pair_auc(teacher.encode, "mrpc"), 4), flush=True)
    print("qqp, the first 4,000 pairs", round(pair_auc(teacher.encode, "qqp", 4000), 4))


if __name__ == "__main__":
    main()
