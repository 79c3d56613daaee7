"""Trains the token vectors: first to give MiniLM's similarities, then to keep intents and one-edit traps apart."""

import argparse
import random
import time

import numpy as np
import torch
from torch.nn import functional as F

import data
import edits
import evaluate
import teacher
import wordnet
from student import TOKENIZER, VOCAB, Student, Texts, frequent_pairs, token_ids

parser = argparse.ArgumentParser()
parser.add_argument("--dims", type=int, default=192)
parser.add_argument("--pairs", type=int, default=8192)
parser.add_argument("--glosses", type=int, default=60000)
parser.add_argument("--distil-steps", type=int, default=3000)
parser.add_argument("--distil-batch", type=int, default=768)
parser.add_argument("--distil-rate", type=float, default=0.01)
parser.add_argument("--tune-steps", type=int, default=500)
parser.add_argument("--tune-batch", type=int, default=1024)
parser.add_argument("--tune-rate", type=float, default=0.003)
parser.add_argument("--temperature", type=float, default=0.12)
parser.add_argument("--trap-weight", type=float, default=0.4)
parser.add_argument("--rival-weight", type=float, default=120.0)
parser.add_argument("--keep-weight", type=float, default=3.0)
parser.add_argument("--blend", type=float, default=0.85)
parser.add_argument("--from-distilled", default="")
parser.add_argument("--out", default="weights.npz")
options = parser.parse_args()
rng = np.random.default_rng(7)
started = time.time()


def say(*parts):
    print(f"{time.time() - started:6.0f}s", *parts, flush=True)


def corpus():
    """Texts that may train, and MiniLM's vectors of them."""
    rows = data.intents()
    vectors = teacher.encode([row["text"] for row in rows])
    kept = [i for i, row in enumerate(rows) if not data.held_out(row)]
    texts, parts = [rows[i]["text"] for i in kept], [vectors[kept]]
    mock = data.pairs("gptcache-mock")
    mock = [row["a"] for row in mock] + [row["b"] for row in mock]
    prompts = [row["text"][:600] for row in data.rows("injection/samples-dev.jsonl") if row["label"] == "benign"]
    for some in (mock, prompts):
        texts += some
        parts.append(teacher.encode(some))
    glosses = wordnet.sentences()
    random.Random(5).shuffle(glosses)
    for at in range(0, options.glosses, 20000):
        texts += glosses[at : at + 20000]
        parts.append(teacher.encode(glosses[at : at + 20000]))
    return [rows[i] for i in kept], texts, np.concatenate(parts)


def first_rows(basis):
    """Each token's own MiniLM vector in the basis, weighted by how rare its place in the vocabulary says it is."""
    words = sorted(TOKENIZER.get_vocab(), key=TOKENIZER.get_vocab().get)
    own = teacher.encode([word[2:] if word.startswith("##") else word for word in words]) @ basis
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    weight = np.log1p(np.arange(VOCAB)) / np.log(VOCAB)
    weight[:999] = 0.9
    rows = np.zeros((VOCAB + len(pairs), options.dims), np.float32)
    rows[:VOCAB] = own * weight[:, None] ** 2
    return rows


def distil_loss(student, texts, target, index):
    """Vectors near MiniLM's, and similarities too, above all of texts that MiniLM finds alike."""
    vectors = student(texts, index)
    wanted = target[index]
    should = wanted @ wanted.T
    off = vectors @ vectors.T - should
    return (1 - (vectors * wanted).sum(1)).mean() + 2 * off.square().mean() + 0.5 * (off.abs() * (should > 0.5)).sum() / len(index)


def report(student, title):
    def embed(some):
        return student.embed(Texts(some, pairs))

    say(title, "held out")
    evaluate.nearest_table(embed, data.held_out)
    say(title, "intents held out")
    evaluate.nearest_table(embed, lambda row: data.held_out_intent(row["set"], row["intent"]))
    say(title, "qqp", round(evaluate.pair_auc(embed, "qqp", 8000), 4), "mrpc", round(evaluate.pair_auc(embed, "mrpc"), 4), traps(embed))


def traps(embed):
    """Mean similarity of held-out texts to a harmful and to a harmless edit, and how often the harmful one is nearer."""
    editor = edits.Editor(99)
    rows = [row for row in data.intents() if data.held_out(row)][::5]
    picked = [(row["text"], editor.harmful(row["text"]), editor.harmless(row["text"])) for row in rows]
    picked = [(text, random.Random(1).choice(bad), good) for text, bad, good in picked if bad]
    own, bad, good = (embed([p[i] for p in picked]) for i in range(3))
    bad, good = (own * bad).sum(1), (own * good).sum(1)
    return f"harmful {bad.mean():.3f} harmless {good.mean():.3f} auc {evaluate.roc_auc(np.concatenate([good, bad]), np.arange(2 * len(bad)) < len(bad)):.3f}"


kept, words, vectors = corpus()
say("corpus", len(words))
_, _, basis = np.linalg.svd(vectors[rng.choice(len(vectors), 20000)], full_matrices=False)
basis = basis[: options.dims].T.astype(np.float32)
target = F.normalize(torch.from_numpy(vectors @ basis), dim=1)
questions = len(words) - options.glosses
pairs = frequent_pairs(token_ids(words), np.where(np.arange(len(words)) < questions, 4, 1), options.pairs)
texts = Texts(words, pairs)
say("tokens", len(texts.flat))
student = Student(np.load(options.from_distilled) if options.from_distilled else first_rows(basis))
if not options.from_distilled:
    optimizer = torch.optim.SparseAdam(student.parameters(), lr=options.distil_rate)
    # Texts of the kind that is asked come up four times as often as definitions.
    chance = np.where(np.arange(len(words)) < questions, 4.0, 1.0)
    chance /= chance.sum()
    for step in range(options.distil_steps):
        for group in optimizer.param_groups:
            group["lr"] = options.distil_rate * (1 - step / options.distil_steps) + 1e-5
        loss = distil_loss(student, texts, target, rng.choice(len(words), options.distil_batch, p=chance))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            say("distil", step, round(loss.item(), 4))
    np.save(options.out.replace(".npz", "-distilled.npy"), student.rows.weight.detach().numpy())
    report(student, "distilled")


def tune():
    """Same intent near, other intents of the set far, edits that change the answer less near than those that do not."""
    editor = edits.Editor(11)
    usable = [i for i, row in enumerate(kept) if row["intent"] != "oos"]
    bad, good, owner = [], [], []
    for i in usable:
        variants = editor.harmful(kept[i]["text"])
        if variants:
            owner.append(i)
            bad.append(editor.random.choice(variants))
            good.append(editor.harmless(kept[i]["text"]))
    bad, good, owner = Texts(bad, pairs), Texts(good, pairs), np.array(owner)
    names = {}
    labels = np.array([names.setdefault((row["set"], row["intent"]), len(names)) for row in kept])
    by_set = {name: np.array([i for i in usable if kept[i]["set"] == name]) for name in ("clinc150", "banking77", "hwu64")}
    mock = data.pairs("gptcache-mock")
    mock_at, mock_count = len(kept), len(mock)
    optimizer = torch.optim.SparseAdam(student.parameters(), lr=options.tune_rate)
    for step in range(options.tune_steps):
        for group in optimizer.param_groups:
            group["lr"] = options.tune_rate * (1 - step / options.tune_steps) + 1e-5
        if step % 250 == 0:
            rivals = hard_rivals(by_set, labels)
        some = rng.choice(by_set[list(by_set)[step % 3]], options.tune_batch, replace=False)
        vectors = student(texts, some)
        loss = contrast(vectors, torch.from_numpy(labels[some]))
        anchors = some[: options.tune_batch // 2]
        near = rivals[anchors, rng.integers(0, rivals.shape[1], len(anchors))]
        excess = (vectors[: len(anchors)] * student(texts, near)).sum(1) - (target[anchors] * target[near]).sum(1).clamp(min=0.5)
        loss = loss + options.rival_weight * F.relu(excess).square().mean()
        chosen = rng.choice(mock_count, 96, replace=False)
        left, right = student(texts, mock_at + chosen), student(texts, mock_at + mock_count + chosen)
        loss = loss + 0.3 * F.cross_entropy(left @ right.T / options.temperature, torch.arange(96))
        edited = rng.choice(len(owner), 160, replace=False)
        own = student(texts, owner[edited])
        near, far = (own * student(good, edited)).sum(1), (own * student(bad, edited)).sum(1)
        trap = F.softplus((far - near + 0.1) / 0.05).mean() * 0.2 + (1 - near).mean()
        keep = distil_loss(student, texts, target, rng.choice(len(words), 384))
        loss = loss + options.trap_weight * trap + options.keep_weight * keep
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            say("tune", step, round(loss.item(), 4), "trap", round(trap.item(), 3), "keep", round(keep.item(), 3))


def hard_rivals(by_set, labels, count=6):
    """For each text the ones of other intents of its set that are nearest now: these may not be nearer than MiniLM has them."""
    out = np.zeros((len(kept), count), np.int64)
    vectors = student.embed(Texts([row["text"] for row in kept], pairs))
    for members in by_set.values():
        for at in range(0, len(members), 1000):
            some = members[at : at + 1000]
            similar = vectors[some] @ vectors[members].T
            similar[labels[some][:, None] == labels[members][None, :]] = -1
            out[some] = members[np.argpartition(-similar, count, axis=1)[:, :count]]
    return out


def contrast(vectors, labels):
    alike = vectors @ vectors.T / options.temperature
    alike.fill_diagonal_(-1e4)
    same = labels[:, None] == labels[None, :]
    same.fill_diagonal_(False)
    score = F.log_softmax(alike, dim=1)
    has = same.sum(1)
    return -((score * same).sum(1) / has.clamp(min=1))[has > 0].mean()


if options.tune_steps:
    distilled = student.rows.weight.detach().clone()
    tune()
    # Between the two lies better than either: nearly all that tuning wins on its sets, at half of what it costs elsewhere.
    with torch.no_grad():
        student.rows.weight.copy_(distilled.lerp(student.rows.weight, options.blend))
    np.savez(options.out, rows=student.rows.weight.detach().numpy(), pairs=pairs)
    report(student, "tuned")
