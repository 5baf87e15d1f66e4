# %% [markdown] lesson="11_package_and_register" title="Which one is it?" minutes=170 laptop_minutes=1 gpu_minutes=1 imports="safetensors.torch" extras="ops"
# It is half past ten. The gate has said yes. Yes to *what*? Before your model goes anywhere, you put it
# into one folder, give that folder a name that cannot be wrong, and write down where it came from.
#
# After this lesson you can
#
# - **name** a model by its content, so that two people who say the name mean the same bytes,
# - **pack** a model without a pickle, and **verify** one that somebody sends you,
# - **write** a model card whose numbers are true,
# - **keep** a ledger in which nobody can change a line unseen,
# - **say** what a version was made from, and let only a version that was tested into service.
#
# You need lesson 07 (the GPT, its config, its state dict, saving) and lesson 10 (metrics, the gate).

# %% tags=["setup"]
import hashlib
import importlib.util
import io
import json
import logging
import os
import pickle
import pickletools
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import safetensors.torch
import torch
from IPython.display import display
from torch.nn.functional import cross_entropy

from lmcourse import check, corpus, play, plots, timeline

check.lesson("11_package_and_register")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# This is the model of today: your own, if the folder `my_model/` lies beside this notebook (`lmops pack`
# and `lmops train` make it from your notebooks 05 to 07), and else a small GPT that comes with the
# course. It is packed already, by the course's own tool. In this lesson you build what that tool does.

# %% tags=["demo"]
from lmops import bundle

mine = bundle.load(bundle.mine())
print("whose:", "yours, from my_model/" if mine.folder.name == "my_model" else "the course's")
print("config:", mine.config)
model = mine.model()
validation = corpus.split_stories(corpus.load("fables"))[-200:]

# %% [markdown]
# ## What is in a name?
#
# Picture a team's disk with four files on it: `model_final.pt`, `model_final2.pt`,
# `model_final2 (Anna's laptop).pt` and `model_new.pt`. One of them is in service, and has written nonsense
# since Tuesday. Nobody can say which one it is.
#
# A file's name is a claim, and anyone can make it. A number that is counted up is not much better: two
# people who pack on the same afternoon both make version 7. What cannot be wrong is the content itself.
# But a million bytes make a long name, so we need a short one that is *worked out* from them.
#
# A **hash function** takes any bytes and gives a number of fixed length. SHA-256 gives 256 bits, which
# are written as 64 hex digits: one digit for every four bits. The same bytes always give the same digits,
# on every machine.

# %% tags=["demo", "nbval-check-output"]
for text in ("the hen ate the corn", "the hen ate the corn.", "the hen ate the horn"):
    print(f"{text:<22}", hashlib.sha256(text.encode()).hexdigest()[:40], "...")

# %% [markdown]
# `text.encode()` makes bytes of a text (in UTF-8), and `.hexdigest()` gives the digits as a string.
#
# **Predict first.** You change one single bit of a million bytes. How many of the 256 bits of the hash
# change?

# %% [markdown] slide="A name worked out from the content cannot be wrong"
# - *the hen ate the corn* `51dac090...`
# - *the hen ate the corn.* `ea06ce96...`
# - *the hen ate the horn* `46efaea3...`
#
# The same bytes give the same digits, on every machine.
#
# Notes: Picture a disk with model_final, model_final2 and model_new on it. One of them is in
# service and has written nonsense since Tuesday, and nobody can say which. A file's name is a claim
# that anyone can make, and two people who pack on one afternoon both make version 7. A hash
# function makes a short name of the content itself.

# %% [markdown] fold="Answer"
# About half of them, 128, and which ones looks like chance. If less changed, one could tell from two
# hashes that the files are nearly the same, and work backwards from there. This is called the *avalanche
# effect*. In the picture, count how few columns come near 100.


# %% tags=["demo"]
def bits_of(data):
    """Return the 256 bits of the SHA-256 of `data`, as a tensor of 0 and 1."""
    digest = hashlib.sha256(data).digest()
    return torch.tensor([byte >> place & 1 for byte in digest for place in range(8)])


weights_file = (mine.folder / "model.safetensors").read_bytes()
rng = random.Random(0)


def flipped(data, bit):
    """Return `data` with one bit turned: number `bit`, counted from the first byte on."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


times = 60 if preset == "smoke" else 400
part = weights_file[:100_000]
before = bits_of(part)
counts = [
    int((bits_of(flipped(part, rng.randrange(8 * len(part)))) != before).sum())
    for _ in range(times)
]
one = bits_of(flipped(weights_file, rng.randrange(8 * len(weights_file)))) != bits_of(weights_file)
with plots.drawing(7.0, 2.6) as (picture, axes):
    axes.imshow(one.view(8, 32), cmap="Blues", vmin=0, vmax=1.4)
    axes.set(xlabel="256 bits of the hash, 32 in a row", ylabel="row")
    axes.set_title(f"one bit of {len(weights_file):,} bytes turned: {int(one.sum())} bits change")
picture.alt = f"A grid of 256 bits, of which {int(one.sum())}, spread all over, have changed."
display(picture)
with plots.drawing(7.0, 2.4) as (picture, axes):
    axes.hist(counts, bins=range(90, 168, 3), color="#0072b2")
    axes.set(xlabel="bits of the hash that change (of 256)", ylabel=f"of {times} tries")
picture.alt = (
    f"Histogram of how many bits change in {times} tries: from {min(counts)} to {max(counts)}."
)
display(picture)

# %% [markdown]
# *The pictures: above, the bits of one hash that changed when a single bit of your weights was turned.
# Below, how many changed in each of many tries.* Nothing in a hash is near to anything.
#
# Try it yourself: turn a bit of any text.


# %% [markdown] slide="Turn one bit: half of the hash changes" picture="above"
# Four hundred tries: about 128 of 256 bits, whichever bit was turned. Nothing in a hash is near to
# anything.
#
# Notes: Ask first how many bits will change. If less did, one could tell from two hashes that the
# files are nearly the same, and work backwards from there. This is the avalanche effect. We shorten
# the hash to 16 digits, plenty against accidents, and not enough against somebody who wants two
# models of one name.


# %% tags=["demo"]
def turn(text, bit):
    data = text.encode() or b" "
    other = flipped(data, bit % (8 * len(data)))
    print(repr(text), "becomes", repr(other.decode(errors="replace")))
    for each in (data, other):
        print(hashlib.sha256(each).hexdigest())
    print(int((bits_of(data) != bits_of(other)).sum()), "of 256 bits are others")


play(turn, text="One war ago, a penguin named Agnes", bit=(0, 60))

# %% [markdown]
# Can two different models have the same hash? There are more models than hashes, so yes. But nobody has
# ever found two files with one SHA-256. We shorten it to 16 digits, which people can still read to each
# other on the phone. Is that enough?

# %% tags=["demo", "nbval-check-output"]
for digits in (4, 8, 16):
    many = 16**digits
    alike = 1.18 * many**0.5  # so many draws, until two are alike with a chance of one half
    print(f"{digits:2} digits: {many:,} names; {alike:,.0f} models until two are likely alike")

# %% [markdown]
# Against accidents 16 digits are plenty: a team that packs a thousand models a day needs more than ten
# thousand years. Against somebody who *wants* two models of one name, and tries variants until two agree,
# they are not: five billion tries are an afternoon for a computer. (To hit the name of one model that is
# there already, it takes as many tries as there are names, which is another matter.) So the manifest
# below also keeps all 64 digits of each file. They are for machines, the 16 are for people.
#
# A model is more than its weights. The same weights with the characters in another order write nonsense.
# So the name must cover all files, and each file's own name too. We work it out in two steps, the way
# that git names a folder: a line for each file, then the hash of the lines. This is called a
# **Merkle tree** (Merkle, 1987), here with one storey.
#
# ```
# 64 digits    name
# 3fdc4d...e1  CARD.md            ┐
# 5e8841...07  config.json        │ sorted, joined ──SHA-256──> 64 digits ──> the first 16
# 9b03aa...52  model.safetensors  ┘
# ```
#
# (It is the format of the program `sha256sum`. In a terminal, in the folder of a bundle,
# `sha256sum $(ls | grep -v manifest) | LC_ALL=C sort | sha256sum` begins with the same 16 digits, without a
# line of Python. The manifest is left out, since it is to hold the name.)

# %% [markdown] contract="content_version"
# `content_version(files)` takes a dictionary from names to contents (`bytes`) and returns the version: a
# string of 16 hex digits.
#
# For each file there is a line: the 64 hex digits of the SHA-256 of its bytes, two spaces, its name and a
# newline, `"\n"`. The lines are sorted (as texts, as `sorted` does) and joined. The version is the first
# 16 hex digits of the SHA-256 of that text. `files` stays as it is.
#
# For example, `content_version({"a.txt": b"plum"})` has one line,
# `"b8f1ed...  a.txt\n"`, and the order in which the files stand in the dictionary makes no difference.


# %% exercise="content_version" minutes=8 level=2
def content_version(files):
    """Return the version of `files`, a dictionary of names and bytes: 16 hex digits."""
    ### BEGIN SOLUTION
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()[:16]
    ### END SOLUTION


# %% check="content_version" tags=["nbval-check-output"]
check("content_version")

# %% [markdown] fold="Hint 1: the lines"
# `for name, data in files.items()` goes through the files. `hashlib.sha256(data).hexdigest()` are the 64
# digits; an f-string puts the line together.

# %% [markdown] fold="Hint 2: the rest"
# `"".join(sorted(lines))` is one text, `.encode()` makes bytes of it, and `[:16]` takes the first 16
# digits of a string.

# %% [markdown]
# What is the version of the model of today? And of the same model with one file renamed?

# %% tags=["demo"]
if check.ready("content_version"):
    files = {path.name: path.read_bytes() for path in mine.folder.iterdir()}
    manifest = files.pop("manifest.json")  # it holds the version itself, so it cannot be part of it
    print("by your function:  ", content_version(files))
    print("says the manifest: ", json.loads(manifest)["version"])
    files["config2.json"] = files.pop("config.json")
    print("one file renamed:  ", content_version(files))

# %% [markdown]
# ## What is in the file?
#
# Most models travel as a **pickle**: Python's own way to write any object to a file. `torch.save` makes
# one. Ada sends you such a file. You do not use the model yet, you only load it.


# %% tags=["demo", "nbval-check-output"]
class Harmless:
    def __reduce__(self):
        return print, ("I am a file. You only loaded me, and I ran. I could have read your keys.",)


sent = pickle.dumps(Harmless(), protocol=4)
print(len(sent), "bytes")
arrived = pickle.loads(sent)

# %% [markdown]
# That sentence was not printed by this notebook. A pickle is no list of numbers: it is a small program
# for a machine inside Python, and loading it *runs* it. One of its instructions calls any function with
# any arguments. Look at the program:

# %% tags=["demo", "nbval-check-output"]
pickletools.dis(pickle.dumps(Harmless(), protocol=2))

# %% [markdown]
# `GLOBAL` fetches `print` (it might as well be `os.system`), `REDUCE` calls it. Models have really been
# handed around that took over the machine of whoever loaded them. Since torch 2.6, `torch.load` reads
# with `weights_only=True` if you say nothing: it knows the instructions for tensors and plain
# values, and refuses all else.

# %% [markdown] slide="Loading a pickle runs a program"
# ```python
# sent = pickle.dumps(Harmless(), protocol=4)
# arrived = pickle.loads(sent)
# ```
#
# It prints: *I am a file. You only loaded me, and I ran. I could have read your keys.*
#
# Notes: Most models travel as pickles. One of a pickle's instructions calls any function with any
# arguments, and models have really been handed around that took over the machine of whoever loaded
# them. A filter such as weights_only is good. A format in which there is nothing that could run is
# better.

# %% tags=["demo"]
buffer = io.BytesIO()
torch.save({"weights": Harmless()}, buffer)
for weights_only in (False, True):
    buffer.seek(0)
    print(f"torch.load(weights_only={weights_only}):")
    try:
        torch.load(buffer, weights_only=weights_only)
    except pickle.UnpicklingError as error:
        print("refused:", str(error).split(".")[0] + ".")

# %% [markdown]
# A filter is good. A format in which there is *nothing that could run* is better. There is a second
# trouble with such files.
#
# **Predict first.** You save the same weights twice, as `monday.pt` and `tuesday.pt`. Have both files the
# same hash?

# %% tags=["demo"]
weights = {"b": torch.arange(6.0).view(2, 3), "a": torch.zeros(4)}
with tempfile.TemporaryDirectory() as folder:
    for name in ("monday", "tuesday"):
        path = Path(folder) / f"{name}.pt"
        torch.save(weights, path)
        print(f"{name + '.pt':<22}", hashlib.sha256(path.read_bytes()).hexdigest()[:16])
for name, given in {"monday": weights, "tuesday": dict(reversed(weights.items()))}.items():
    data = safetensors.torch.save(given)
    print(f"{name + '.safetensors':<22}", hashlib.sha256(data).hexdigest()[:16])

# %% [markdown] fold="Why?"
# `torch.save` writes a zip archive, and the archive holds the name of the file that it was written to.
# Same weights, other bytes: then a hash says nothing about the weights. `safetensors` sorts the weights
# and writes nothing but them.

# %% [markdown] slide="Same weights, same bytes: safetensors"
# The same weights, saved on Monday and on Tuesday:
#
# - `torch.save`: **two** hashes
# - **safetensors**: **one** hash, and nothing in it that could run
#
# Notes: The archive that torch.save writes holds the name of its file, so a hash says nothing about
# the weights. Safetensors sorts the weights by name. The format is as plain as can be: the length
# of the header, the header, the numbers. You could read it without the library.

# %% [markdown]
# **safetensors** is a format that is as plain as can be (it was made in 2022, after one pickle too many):
#
# ```
# 8 bytes       how long the header is, n
# n bytes       the header, JSON: for each weight its dtype, its shape, and from which byte to which
# the rest      the numbers, one after the other
# ```
#
# You could read it without the library:

# %% tags=["demo", "nbval-check-output"]
data = safetensors.torch.save(weights)  # bytes
n = int.from_bytes(data[:8], "little")
header = json.loads(data[8 : 8 + n])
print(header)
start, end = header["b"]["data_offsets"]
print(torch.frombuffer(bytearray(data[8 + n + start : 8 + n + end]), dtype=torch.float32))
print(safetensors.torch.load(data)["b"])  # the library's way

# %% [markdown]
# `safetensors.torch.save(weights)` takes a dictionary of tensors and gives bytes,
# `safetensors.torch.load(data)` the other way round. In a GPT two names stand for one matrix: the head is
# tied to the token embedding.
#
# **Predict first.** What will safetensors say to that?

# %% tags=["demo"]
shared = torch.ones(3, 2)
try:
    safetensors.torch.save({"token_embedding.weight": shared, "head.weight": shared})
except RuntimeError as error:
    print(str(error).strip().splitlines()[0][:94])

# %% [markdown]
# It refuses, rather than write the same numbers twice and let you believe that they are two matrices. So
# a bundle leaves `head.weight` out, and who loads it ties it again.
#
# The rest of a model is texts and small facts, and for those there is **JSON**. It has two traps. The
# order of a dictionary is written as it comes, so the same facts may give other bytes. And JSON has no
# word for NaN, but Python writes one all the same, and other programs then cannot read the file:

# %% tags=["demo"]
print(json.dumps({"layers": 2, "heads": 4}), json.dumps({"heads": 4, "layers": 2}))
print(json.dumps({"layers": 2, "heads": 4}, sort_keys=True))
print(json.dumps({"loss": float("nan")}))
try:
    json.dumps({"loss": float("nan")}, allow_nan=False)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# ## One folder
#
# Everything that belongs to a model goes into one folder, a **bundle**: what it is, what is needed to run
# it, what was measured, and what people should know. At the end comes a list of all of it, the
# **manifest**. It is written last, so that a bundle whose writing was interrupted has none.

# %% [markdown] contract="write_bundle"
# `write_bundle(folder, weights, config, characters, metrics, source, card)` writes seven files into the
# new folder `folder` (a string or a `Path`), and returns the version.
#
# | file | what is in it |
# |---|---|
# | `model.safetensors` | `weights`, a state dict, without `head.weight` |
# | `config.json` | `config`, a dictionary, as JSON |
# | `tokenizer.json` | `{"type": "characters", "characters": characters}`; `characters` is a list |
# | `metrics.json` | `metrics`, a dictionary, as JSON |
# | `model.py` | the text `source` |
# | `CARD.md` | the text `card` |
# | `manifest.json` | `{"format": 1, "version": ..., "files": {name: {"sha256": ..., "bytes": ...}}}`: for each of the six files above the 64 digits of its hash, and the number of its bytes |
#
# The version is the `content_version` of the six files. Texts are in UTF-8. The same arguments always
# give the same bytes, whatever the order of the dictionaries. Where `metrics` or `config` hold NaN or
# infinity, raise ValueError, and leave no manifest. Where `folder` is there already, raise
# FileExistsError, and change nothing: a version that was given out never changes. Folders above it are
# made if they are missing. The arguments stay as they are.


# %% exercise="write_bundle" minutes=20 level=3
FILES = (
    "CARD.md",
    "config.json",
    "metrics.json",
    "model.py",
    "model.safetensors",
    "tokenizer.json",
)


def write_bundle(folder, weights, config, characters, metrics, source, card):
    """Write a model to the new folder `folder`, its manifest last; return its version."""

    ### BEGIN SOLUTION
    def as_json(value):
        return json.dumps(value, sort_keys=True, allow_nan=False).encode()

    kept = {name: weight for name, weight in weights.items() if name != "head.weight"}
    files = {
        "model.safetensors": safetensors.torch.save(kept),
        "config.json": as_json(config),
        "tokenizer.json": as_json({"type": "characters", "characters": characters}),
        "metrics.json": as_json(metrics),
        "model.py": source.encode(),
        "CARD.md": card.encode(),
    }
    entries = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in files.items()
    }
    version = content_version(files)
    home = Path(folder)
    home.mkdir(parents=True)
    for name, data in files.items():
        (home / name).write_bytes(data)
    (home / "manifest.json").write_bytes(
        as_json({"format": 1, "version": version, "files": entries})
    )
    return version
    ### END SOLUTION


# %% check="write_bundle" tags=["nbval-check-output"]
check("write_bundle")

# %% [markdown] fold="Hint 1: bytes first"
# Make a dictionary `files` of six names and their bytes before you touch the disk. Texts become bytes by
# `.encode()`, dictionaries by `json.dumps(..., sort_keys=True, allow_nan=False).encode()`, weights by
# `safetensors.torch.save(...)`. What can go wrong goes wrong here, and nothing was written.

# %% [markdown] fold="Hint 2: the weights"
# `{name: weight for name, weight in weights.items() if name != "head.weight"}` is a new dictionary; the
# caller's own stays whole.

# %% [markdown] fold="Hint 3: the folder"
# `Path(folder)` makes a path of a string too. Its `.mkdir(parents=True)` makes it, and raises
# FileExistsError by itself if it is there. Then `(folder / name).write_bytes(data)` for each file, and
# the manifest at the end.

# %% [markdown]
# Now pack the model of today with *your* function, and let the course's tool look at it. What takes up
# the room?

# %% tags=["demo"]
if check.ready("content_version", "write_bundle"):
    shelf = Path(tempfile.mkdtemp())  # everything of today goes here
    source = (mine.folder / "model.py").read_text(encoding="utf-8")
    card = (mine.folder / "CARD.md").read_text(encoding="utf-8")
    facts = mine.config, mine.characters, mine.metrics, source, card
    version = write_bundle(shelf / "first", model.state_dict(), *facts)
    print("version", version, "; problems that the tool finds:", bundle.verify(shelf / "first"))
    again = write_bundle(shelf / "again", model.state_dict(), *facts)
    print("packed once more, elsewhere:", again)
    sizes = {path.name: path.stat().st_size for path in sorted((shelf / "first").iterdir())}
    with plots.drawing(7.0, 2.6) as (picture, axes):
        axes.barh(list(sizes), list(sizes.values()), color="#0072b2", log=True)
        for row, size in enumerate(sizes.values()):
            axes.text(size, row, f" {size:,}", va="center")
        axes.set(xlabel="bytes (log scale)", ylabel="file", xlim=(10, 2e7))
        axes.xaxis.set_major_formatter("{x:,.0f}")
    picture.alt = "Bytes of each file: " + ", ".join(f"{n} {s:,}" for n, s in sizes.items()) + "."
    display(picture)

# %% [markdown] slide="Nearly all is weights, useless alone" picture="above"
# A **bundle**: weights, config, tokenizer, code, metrics, card. Its **manifest** comes last.
#
# Notes: Without the few kilobytes beside them nobody could use the weights. The same weights with
# the characters in another order write nonsense, so the version covers all files and their names.
# The manifest is written last, so that a bundle whose writing was interrupted has none.

# %% [markdown]
# *The picture: nearly all of it is weights. But without the few kilobytes beside them nobody could use
# these.*
#
# Your version is another one than that of the course's tool, though it is the same model: the tool puts
# other spaces into its JSON. A version names *bytes*. This is a price worth paying, since nobody has to
# argue about which differences matter.
#
# ## Is it whole?
#
# The folder travels: over a network, onto a stick, through a colleague. Does it matter if a single bit
# turns on the way?
#
# **Predict first.** A weight has 32 bits. You turn one of them, in one weight out of some two hundred
# thousand. How much worse does the model get?

# %% tags=["demo"]
text = "\n\n" + "\n\n".join(validation[:2])
ids = torch.tensor(mine.encode(text[: mine.config["context"] + 1]))


def loss_now():
    """Return the model's loss on the first window, in nats per character."""
    with torch.no_grad():
        return cross_entropy(model(ids[None, :-1])[0], ids[1:]).item()


sound_loss = loss_now()
weight = model.state_dict()["norm.weight"]  # it shares the model's own memory
damage = []
for bit in range(32):
    kept = weight[0].item()
    weight.view(torch.int32)[0] ^= 1 << bit if bit < 31 else -(2**31)
    damage.append(loss_now())
    weight[0] = kept
apart = [abs(loss - sound_loss) for loss in damage]  # NaN where the model has broken
broken = sum(step != step for step in apart)  # NaN is not equal to itself
shown = [min(max(step, 1e-8), 100.0) if step == step else 100.0 for step in apart]
with plots.drawing(7.0, 3.0) as (picture, axes):
    axes.axvspan(-0.5, 22.5, color="#949494", alpha=0.15)
    axes.axvspan(22.5, 30.5, color="#d55e00", alpha=0.15)
    axes.semilogy(range(32), shown, "o", color="#0072b2")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.axhline(1e-3, color="black", linestyle="--", linewidth=1)
    axes.set(xlabel="the bit that is turned: 0 to 22 fraction, 23 to 30 exponent, 31 sign")
    axes.set_ylabel("change of the loss\n(nats per character)")
worst = max(range(32), key=lambda bit: shown[bit])
unseen = sum(step < 1e-3 for step in shown)
picture.alt = (
    f"Change of the loss after one bit of one weight is turned: below a thousandth for {unseen} of "
    f"32 bits, largest for bit {worst}."
)
display(picture)
print(
    f"{unseen} of 32 bits change the loss by less than 0.001; after bit {worst} it is {damage[worst]:g}"
)
print(f"{broken} of 32 give no number at all (NaN); the picture has them at 100")
assert loss_now() == sound_loss  # everything is as it was

# %% [markdown]
# *The picture: how far the loss moves for each of the 32 bits; what lies below the dashed line, no third
# decimal shows. Grey: the fraction of the number. Orange: its exponent.* Most bits change nothing that
# you would notice, and one ruins the model. No test of lesson 10 would tell you about the first kind, and
# yet it is another model than the one that was tested. A hash sees them all alike.
#
# So whoever takes a bundle looks at it first, and believes nothing that is in it, the manifest included:
#
# | what may have happened | how you see it |
# |---|---|
# | a bit turned, a file was cut off | its hash, its size |
# | a file is missing, or one too many | the names in the folder against `FILES` |
# | the manifest lists `../../.ssh/id_rsa` | the names in the manifest against `FILES`, *before* you open anything |
# | a file is a **link**: an entry that only points elsewhere | `path.is_symlink()` |
# | the weights are a pickle under another name | safetensors cannot open them |
# | all was changed, and the manifest written anew | only by a version that you have from elsewhere |
#
# The second and third row have one remedy: say what *may* be there, and refuse all else. A list of what
# may not be there is never complete.
#
# The last row is the important one. A manifest that comes with the bundle can show that nothing was lost
# on the way. It cannot show that it is the right one: who can change a file can change the manifest
# too. This is why a version has to come another way than the bundle: from the ledger, further below.

# %% [markdown] slide="Most turned bits go unnoticed, and one ruins the model" picture="above"
# In our run **25** of the 32 bits of a weight change the loss by less than 0.001. A hash sees them
# all alike.
#
# Notes: How much worse does the model get if a single bit turns on the way? Grey is the fraction of
# the number, orange its exponent. No test of lesson 10 would tell you about the small ones, and yet
# it is another model than the one that was tested.

# %% [markdown] contract="verify_bundle"
# `verify_bundle(folder, version=None)` looks at the folder `folder` (a `Path` or a string) and returns a
# list of its problems, texts; the empty list if it is sound. Each problem begins with the name of the
# file that it is about, and a colon: `"model.py: its hash is another"`. It never raises for what is in
# the folder, and nothing in the folder is ever run.
#
# 1. If `manifest.json` is missing or a link, cannot be read, is not of the form above, or has another
#    format than the number 1 (you will not be asked about `true` or `1.0`), that is the only problem,
#    and begins with `manifest.json:`. So it is where there is no folder at all.
# 2. Each name in the manifest that is not one of `FILES` is a problem, under that name, and is not
#    opened. So is whatever is in the folder beside `FILES` and `manifest.json`.
# 3. Each of `FILES` must be in the folder, a plain file and no link (not even to another file in the
#    folder), and in the manifest, with the right `sha256` and the right `bytes`.
# 4. `safetensors.torch.load` must be able to read `model.safetensors`.
# 5. If nothing else is wrong, but the version of the files is not the one in the manifest, or not
#    `version` where that is given, this is a problem that begins with `manifest.json:`.
#
# For example, a sound bundle gives `[]`, and one whose config is missing gives a list of one text, such
# as `["config.json: it is missing"]`.


# %% exercise="verify_bundle" minutes=30 level=4
def verify_bundle(folder, version=None):
    """Return what is wrong with the bundle in `folder`, which should be `version`: [] if nothing."""
    ### BEGIN SOLUTION
    home = Path(folder)
    try:
        if (home / "manifest.json").is_symlink():
            return ["manifest.json: it is a link"]
        manifest = json.loads((home / "manifest.json").read_bytes())
        listed = {
            name: (entry["sha256"], entry["bytes"]) for name, entry in manifest["files"].items()
        }
        said = manifest["version"]
        if manifest["format"] != 1:
            return [f"manifest.json: I know format 1, and this is {manifest['format']}"]
    except Exception as error:  # whatever a hostile file makes it raise, it cannot be read
        return [f"manifest.json: it cannot be read: {error}"]
    there = {path.name for path in home.iterdir()} - {"manifest.json"}
    problems = [f"{name}: it does not belong here" for name in (there | set(listed)) - set(FILES)]
    files = {}
    for name in FILES:
        path = home / name
        if path.is_symlink() or not path.is_file():
            problems.append(f"{name}: it is missing, or no plain file")
            continue
        files[name] = content = path.read_bytes()
        if listed.get(name) != (hashlib.sha256(content).hexdigest(), len(content)):
            problems.append(f"{name}: it is not what the manifest says")
        elif name == "model.safetensors":
            try:
                safetensors.torch.load(content)
            except Exception as error:
                problems.append(f"{name}: safetensors cannot read it: {error}")
    if not problems:
        found = content_version(files)
        if found != said or version not in (None, found):
            problems.append(f"manifest.json: this is {found}, not {version or said}")
    return problems
    ### END SOLUTION


# %% check="verify_bundle" tags=["nbval-check-output"]
check("verify_bundle")

# %% [markdown] fold="Hint 1: the manifest"
# `json.loads((folder / "manifest.json").read_bytes())` in a `try`. Take all that you need of it there:
# `manifest["format"]`, `manifest["version"]`, and of each entry `"sha256"` and `"bytes"`. Then
# `except Exception`. Elsewhere that is a bad habit, since it hides your own mistakes. Here somebody else
# chose the bytes, nobody can list all that they may raise (JSON of a hundred thousand brackets:
# RecursionError), and the answer is always the same.

# %% [markdown] fold="Hint 2: the names"
# `{path.name for path in folder.iterdir()}` are the names that are there. With sets, `a - b` is what is in
# `a` and not in `b`, and `a | b` what is in one of them.

# %% [markdown] fold="Hint 3: each file"
# Go through `FILES`, not through the manifest. First `path.is_symlink()` and `path.is_file()`, then read,
# then compare, and `continue` where the file is not there. Keep the bytes in a dictionary: at the end
# `content_version` wants them.

# %% [markdown] fold="Hint 4: the weights"
# `try: safetensors.torch.load(data)`, and `except Exception`, for the same reason: what is no
# safetensors raises SafetensorError, but a weight of an impossible shape ends in TypeError. Nothing else may
# be used to open it.

# %% [markdown]
# Send your bundle through a bad day, and see what your function says.

# %% tags=["demo"]
if check.ready("content_version", "write_bundle", "verify_bundle", "shelf"):

    def with_manifest(folder):
        """Write the manifest anew, as it fits what is in the folder."""
        files = {name: (folder / name).read_bytes() for name in FILES}
        entries = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in files.items()
        }
        manifest = {"format": 1, "version": content_version(files), "files": entries}
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def a_bit(folder):
        path = folder / "model.safetensors"
        path.write_bytes(flipped(path.read_bytes(), rng.randrange(8 * path.stat().st_size)))

    def a_link(folder):
        os.replace(folder / "model.py", folder.parent / "elsewhere.py")
        (folder / "model.py").symlink_to(folder.parent / "elsewhere.py")

    def a_pickle(folder):
        (folder / "model.safetensors").write_bytes(pickle.dumps(Harmless()))
        with_manifest(folder)

    def forged(folder):
        (folder / "CARD.md").write_text("# The best model there is\n")
        with_manifest(folder)

    accidents = {
        "nothing": lambda folder: None,
        "one bit turned": a_bit,
        "a file lost": lambda folder: (folder / "tokenizer.json").unlink(),
        "a file more": lambda folder: (folder / ".notes").write_text("mine"),
        "a link": a_link,
        "a pickle in disguise": a_pickle,
        "all of it forged": forged,
    }
    for name, happen in accidents.items():
        folder = Path(tempfile.mkdtemp()) / "bundle"
        write_bundle(folder, model.state_dict(), *facts)
        happen(folder)
        print(f"{name}:")
        print("    ", verify_bundle(folder) or "sound")
        if name == "all of it forged":
            print("    ", verify_bundle(folder, version), "(asked for the version)")

# %% [markdown] slide="A manifest cannot vouch for itself"
# - a turned bit, a lost file, a link, a pickle in disguise: all seen
# - all of it forged, and the manifest written anew: **sound**
#
# Only a version that came another way tells.
#
# Notes: Say what may be there and refuse all else: a list of what may not be there is never
# complete. A manifest can show that nothing was lost on the way. It cannot show that this is the
# right bundle, since who changes a file can change the manifest too. So the version has to come
# from elsewhere, and that is the ledger.

# %% [markdown]
# The last one is sound in itself, and is another one. Keep it in mind when we come to the ledger.
#
# ## What should people know about it?
#
# A folder tells a machine all it needs. A person who finds it asks other questions. What is it for? Whom
# does it work badly for? What did it learn from? May I use it?
#
# Mitchell and others (2019) proposed that every model brings a short page with the answers, a **model
# card**, as food has its list of ingredients: what it is meant for and what not, what it learnt from, and
# how good it is, *also for its worst group* and not only on average. Today every model on the large hubs
# has one.
#
# **Predict first.** A team changes its model every week. The card was written with care at the beginning.
# What is true of the numbers in it after a year?

# %% [markdown] fold="Answer"
# They are those of a model that nobody has any more. What is typed in by hand is true on the day on which
# it is typed. So let the numbers be written by the program that packs, from the model itself, and only
# the rest by people.

# %% [markdown]
# Is a mean enough? Take the loss apart, by the day on which a story happens.

# %% tags=["demo"]
days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def story_loss(story):
    """Return the mean loss on the beginning of a story, in nats per character."""
    ids = torch.tensor(mine.encode(("\n\n" + story)[: mine.config["context"] + 1]))
    with torch.no_grad():
        return cross_entropy(model(ids[None, :-1])[0], ids[1:]).item()


some = validation[:14] if preset == "smoke" else validation
by_day = {day: [story_loss(story) for story in some if day in story] for day in days}
slices = {day: sum(losses) / len(losses) for day, losses in by_day.items() if losses}
overall = sum(map(sum, by_day.values())) / sum(map(len, by_day.values()))
with plots.drawing(7.0, 2.8) as (picture, axes):
    axes.bar(list(slices), list(slices.values()), color="#0072b2")
    axes.axhline(overall, color="black", linestyle="--", linewidth=1)
    axes.set(xlabel="the day in the story", ylabel="loss (nats per character)")
picture.alt = "Loss by day: " + ", ".join(f"{d} {s:.3f}" for d, s in slices.items()) + "."
display(picture)
print(f"all: {overall:.3f}; worst: {max(slices, key=slices.get)}")

# %% [markdown]
# *The picture: the loss on stories of each day; the line is the mean.* For fables it does not matter much
# which day is the worst. For people of seven languages it would.

# %% [markdown] slide="A model card names the worst group, not only the mean" picture="above"
# What is it for? What did it learn from? Whom does it serve badly? The numbers are written by the
# program that packs.
#
# Notes: For fables it does not matter much which day is the worst. For people of seven languages it
# would. A number that is typed in by hand is true on the day on which it is typed, and the model
# changes every week. Model cards are from Mitchell and others, 2019.

# %% [markdown] contract="model_card"
# Three functions.
#
# **`card_facts(weights, config, metrics)`** returns a dictionary with five entries, in this order, all
# texts:
#
# | name | for example | from |
# |---|---|---|
# | `"parameters"` | `"254,784"` | all numbers in `weights`; `head.weight`, if it is there, is the token embedding again, and counts not |
# | `"layers"` | `"2"` | `config["layers"]` |
# | `"context"` | `"256 characters"` | `config["context"]` |
# | `"loss"` | `"0.516 nats per character"` | `metrics["validation_loss"]`, three decimals |
# | `"worst slice"` | `"Monday, 0.593"` | `metrics["slices"]`, a dictionary of names and losses: the name with the highest one, and that, three decimals |
#
# **`model_card(name, facts, words)`** returns the card, a text in Markdown: a line `# ` with the name; the
# table of the facts, which begins with exactly the two lines below, and then has one row for each; and for
# each heading of `HEADINGS`, in that order, a line `## ` with
# the heading and then `words[heading]`. Empty lines between them are as you like, but not inside the
# table. If a heading is missing in `words`, or its text is blank, raise ValueError with the heading in
# its message.
#
# ```
# # Agnes
#
# | fact | value |
# |---|---|
# | parameters | 254,784 |
# | layers | 2 |
# ...
#
# ## Intended use
#
# To learn from.
# ...
# ```
#
# **`card_lies(card, facts)`** takes somebody's card and the true facts. It returns the list of the names
# of those facts, in the order of `facts`, that the card does not tell truly: there is not exactly one
# line that begins with `| name |`, or it is not `| name | value |`.


# %% exercise="model_card" minutes=20 level=2
HEADINGS = ("Intended use", "Data", "Limits")


def card_facts(weights, config, metrics):
    """Return what a card says of a model in numbers: a dictionary of five texts."""
    ### BEGIN SOLUTION
    count = sum(weight.numel() for name, weight in weights.items() if name != "head.weight")
    slices = metrics["slices"]
    worst = max(slices, key=slices.get)
    return {
        "parameters": f"{count:,}",
        "layers": f"{config['layers']}",
        "context": f"{config['context']} characters",
        "loss": f"{metrics['validation_loss']:.3f} nats per character",
        "worst slice": f"{worst}, {slices[worst]:.3f}",
    }
    ### END SOLUTION


def model_card(name, facts, words):
    """Return the card of the model `name`, in Markdown: its facts, and what people wrote."""
    ### BEGIN SOLUTION
    rows = [f"| {fact} | {value} |" for fact, value in facts.items()]
    lines = [f"# {name}", "", "| fact | value |", "|---|---|", *rows, ""]
    for heading in HEADINGS:
        if not words.get(heading, "").strip():
            raise ValueError(f"the card says nothing about: {heading}")
        lines += [f"## {heading}", "", words[heading], ""]
    return "\n".join(lines)
    ### END SOLUTION


def card_lies(card, facts):
    """Return the names of the facts that `card` does not tell as they are."""
    ### BEGIN SOLUTION
    lines = card.splitlines()
    return [
        name
        for name, value in facts.items()
        if [line for line in lines if line.startswith(f"| {name} |")] != [f"| {name} | {value} |"]
    ]
    ### END SOLUTION


# %% check="model_card" tags=["nbval-check-output"]
check("model_card")

# %% [markdown] fold="Hint 1: card_facts"
# `weight.numel()` is how many numbers a tensor has. In an f-string, `{count:,}` writes commas between
# the thousands, and `{loss:.3f}` three decimals. `max(slices, key=slices.get)` is the name whose loss is
# the highest.

# %% [markdown] fold="Hint 2: model_card"
# Make a list of lines, and `"\n".join(lines)` at the end. `words.get(heading, "")` gives the empty text
# where there is none, and `.strip()` takes spaces and newlines off the ends.

# %% [markdown] fold="Hint 3: card_lies"
# For each fact, take the lines of `card.splitlines()` that begin with `f"| {name} |"`. They should be a
# list of one line, and that one is known.

# %% [markdown]
# A card for the model of today, and one that somebody has made a little nicer.

# %% tags=["demo"]
if check.ready("card_facts", "model_card", "card_lies"):
    measured = {"validation_loss": overall, "slices": slices}
    true_facts = card_facts(mine.weights, mine.config, measured)
    words = {
        "Intended use": "To learn how language models are built and kept.",
        "Data": "Fables that a grammar wrote. No person is in them.",
        "Limits": f"It knows {len(mine.characters)} characters and no facts. All is made up.",
    }
    honest = model_card("Today's model", true_facts, words)
    print(honest)
    nicer = honest.replace(true_facts["loss"], "0.199 nats per character")
    print(
        "lies in it:",
        card_lies(honest, true_facts),
        "; in the nicer one:",
        card_lies(nicer, true_facts),
    )

# %% [markdown]
# ## Who did what, and when?
#
# It is eleven. You register the version: from now on it counts as known. Later somebody approves it, and
# somebody puts it into service. In half a year a user complains, a colleague asks, or a court. Then you
# will need to know who decided what, on which day, about which version. So each of these steps becomes a
# line in a file, and none is ever changed: a **ledger**, as accountants have kept it for centuries.
#
# A file can be changed with any editor, though.
#
# **Predict first.** You add to each line its own hash. Can somebody still change a line unseen?

# %% [markdown] fold="Answer"
# Yes: they change it, and work its hash out anew. Everybody can. A line must be held by something that
# they would have to change as well.

# %% [markdown]
# Let each line hold the hash *of the line before it*. Then its own hash depends on that one, which depends
# on the one before it, and so on to the first. Who changes an old line has to make all the later ones
# anew. This is a **hash chain** (Haber and Stornetta, 1991). Their company had the last
# hash printed among the small advertisements of the *New York Times*, every week from 1995 on: nobody
# can change a newspaper that lies in a thousand cellars. (Block chains came later, and are this, plus a way to agree among
# strangers who may write.)
#
# ```
#  1 registered        2 gated              3 approved
#  previous: 0000...   previous: 5b1d... ┐  previous: c2f8... ┐
#  hash:     5b1d... <───────────────────┘                    │
#                      hash:     c2f8... <────────────────────┘
#                                           hash:     06ae... <── the head
# ```
#
# The hash of the last line is called the **head**. Who keeps it elsewhere, in a newspaper, in git, in an
# e-mail to a colleague, can later see whether the history is still the same.

# %% [markdown] contract="append"
# A ledger is a file of lines, each one JSON with a newline behind it. An **entry** is a dictionary:
#
# | key | value |
# |---|---|
# | `"number"` | of the line, from 1 |
# | `"time"`, `"event"`, `"version"`, `"by"` | as they are given |
# | `"details"` | a dictionary of all else that is given |
# | `"previous"` | the `"hash"` of the line before; of the first line `START`, 64 zeros |
# | `"hash"` | the SHA-256, 64 hex digits, of `json.dumps(entry, sort_keys=True)` without this key |
#
# **`append(path, event, version, by, when, **details)`** adds one line to the end of the file `path` (a
# `Path` or a string), which need not be there yet, and returns its entry. The line is
# `json.dumps(entry, sort_keys=True)`. Nothing else in the file changes. For NaN or infinity in the details,
# raise ValueError, and leave the file as it was. What stands in the file counts: another process may
# have written to it since your last call.
#
# **`verify_chain(path, head=None)`** returns the number of the first line that does not hold, counted
# from 1, or 0 if all hold. A line holds if it is such an entry (just these eight keys, its number, a
# dictionary of details) with its right hash, and its `"previous"` is the hash of the line before it in
# the file. An empty line holds not, and one with other spaces between its parts does: what counts is what
# it says. If all hold, but `head` is given and is not the hash of the last line (or `START`, if there is
# none), return one more than there are lines. It never raises for what is in the file, bytes that are no
# UTF-8 included. (`path`, a `Path` or a string, is there, and each line in it ends with a newline.)
#
# For example, in a ledger of 5 lines whose third was changed, `verify_chain(path)` is 3. If its hash was
# made anew, it is 4: the fourth line names another one before it.


# %% exercise="append" minutes=25 level=3
START = "0" * 64
KEYS = {"number", "time", "event", "version", "by", "details", "previous", "hash"}


def append(path, event, version, by, when, **details):
    """Add a line to the ledger `path`, chained to the last one; return its entry."""
    ### BEGIN SOLUTION
    path = Path(path)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entry = {
        "number": len(lines) + 1,
        **{"time": when, "event": event, "version": version, "by": by},
        "details": details,
        "previous": json.loads(lines[-1])["hash"] if lines else START,
    }
    text = json.dumps(entry, sort_keys=True, allow_nan=False)
    entry["hash"] = hashlib.sha256(text.encode()).hexdigest()
    with open(path, "a", encoding="utf-8") as ledger:
        ledger.write(json.dumps(entry, sort_keys=True) + "\n")
    return entry
    ### END SOLUTION


def verify_chain(path, head=None):
    """Return the number of the first line that does not hold, or 0 if all hold."""
    ### BEGIN SOLUTION
    previous = START
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            if set(entry) != KEYS or not isinstance(entry["details"], dict):
                return number
            said = entry.pop("hash")
            text = json.dumps(entry, sort_keys=True)
            holds = said == hashlib.sha256(text.encode()).hexdigest()
            if not holds or entry["previous"] != previous or entry["number"] != number:
                return number
        except Exception:  # whatever it is, it is no entry
            return number
        previous = said
    return len(lines) + 1 if head not in (None, previous) else 0
    ### END SOLUTION


# %% check="append" tags=["nbval-check-output"]
check("append")

# %% [markdown] fold="Hint 1: append"
# Read the lines that are there: `path.read_text(encoding="utf-8").splitlines()`. The last one is JSON
# again, and has the hash that you need. Make the entry without `"hash"`, hash its text, put the hash in,
# and only then `open(path, "a", encoding="utf-8")`.

# %% [markdown] fold="Hint 2: verify_chain"
# Go through the lines with `enumerate(lines, 1)` and keep `previous`, which begins as `START`.
# `entry.pop("hash")` takes the hash out and gives it to you; what is left is what was hashed.

# %% [markdown] fold="Hint 3: what is no entry"
# A line may be no JSON (ValueError), a list (TypeError, AttributeError), lack a key (LookupError), or be
# worse. One `try` around the whole body with `except Exception`, which gives the number of the line where
# something is raised, is enough. For bytes that are no UTF-8, read with `errors="replace"`. And
# `set(entry)` is the set of the keys of a dictionary, which must be `KEYS`.

# %% [markdown]
# The ledger of this morning. Then somebody changes one line in it: as if the gate had said no.


# %% tags=["demo"]
if check.ready("append", "verify_chain"):
    ledger = Path(tempfile.mkdtemp()) / "ledger.jsonl"
    today, name = "2026-03-02", mine.version
    append(ledger, "registered", name, "ada", f"{today}T11:00", parents=["fables"])
    append(ledger, "gated", name, "gate", f"{today}T11:05", passed=True)
    append(ledger, "approved", name, "ben", f"{today}T11:30")
    last = append(ledger, "promoted", name, "ben", f"{today}T11:40", replaces=None)
    lines = ledger.read_text(encoding="utf-8").splitlines()
    print("the first line that does not hold:", verify_chain(ledger))
    display(plots.chain([json.loads(line) for line in lines]))

    touched = ledger.with_name("touched.jsonl")
    changed = lines[1].replace('"passed": true', '"passed": false')
    touched.write_text("\n".join([lines[0], changed, *lines[2:]]) + "\n", encoding="utf-8")
    print("one line changed:", verify_chain(touched))
    entries = [json.loads(line) for line in touched.read_text().splitlines()]
    display(plots.chain(entries, verify_chain(touched)))

    anew = ledger.with_name("anew.jsonl")  # and now all of it again, from that line on
    for entry in [json.loads(line) for line in lines]:
        details = {"passed": False} if entry["event"] == "gated" else entry["details"]
        said = [entry[key] for key in ("event", "version", "by", "time")]
        append(anew, *said, **details)
    print("made anew from there: ", verify_chain(anew))
    print("with the head that ben kept:", verify_chain(anew, last["hash"]))
    display(plots.chain([json.loads(line) for line in anew.read_text().splitlines()]))

# %% [markdown]
# *The pictures: each box names the hash of the one before it. In the second, the box with the thick edge
# no longer gives its own hash, so nothing from there on can be believed. In the third all fits again, but
# from the second box on every hash is another, and so is the last one.* The chain alone would believe
# it. The head, kept elsewhere, does not.
#
# The course's tool keeps its ledger in just this format, with the head in a file beside it. So it can
# audit yours:

# %% [markdown] slide="A ledger made anew looks whole, but its last hash is another" picture="above"
# In a **hash chain** each line holds the hash of the line before it. Keep the last one, the *head*,
# elsewhere.
#
# Notes: If each line held its own hash only, anybody could change the line and work the hash out
# anew. In the chain, who changes an old line has to make all later ones anew. Here somebody did,
# and all fits again. But every hash from the second box on is another, and so is the head that a
# colleague kept. Haber and Stornetta, 1991.

# %% tags=["demo"]
if check.ready("append", "verify_chain", "ledger"):
    try:
        from lmops.ledger import Ledger
    except ImportError:
        print("The ledger of lmops is not here; install the extra [ops] of this course to see it.")
    else:
        for path in (ledger, touched, anew):
            path.with_suffix(".head").write_text(f"{last['number']} {last['hash']}\n")
            print(f"{path.name}:", Ledger(path).verify() or "sound")

# %% [markdown]
# Two things that you left out. A ledger that is used by several processes locks the file while it reads
# and writes, or two of them write line 7. And it waits until the line is really on the disk
# (`os.fsync`) before it says "done", or a power cut takes back what somebody was told. `lmops` does both.

# %% [markdown]
# ## Where did it come from?
#
# One day somebody writes: *I told you a story, and I want it gone.* They have the right to (in Europe it
# is article 17 of the GDPR). Your data has the story in it. Which models have learnt from it? All that
# were trained on that data; and those that were trained further from one of these; and the smaller ones
# that learnt from the answers of these.
#
# To know this you write down, for each thing, what it was made from, when it is made: **lineage**. Names
# are versions, since a name that is worked out from the content cannot be mixed up. What was made from
# what is a drawing of arrows, a *directed graph*.

# %% tags=["demo"]
made_from = {
    "stories": [],
    "Zoë's story": [],
    "grammar": [],
    "data 2e1b": ["stories", "grammar"],
    "data 9c04": ["data 2e1b", "Zoë's story"],
    "code f00d": [],
    "model a41f": ["data 2e1b", "code f00d"],
    "model 77c0": ["data 9c04", "code f00d"],
    "model e90b": ["model 77c0", "data 9c04"],
    "answers 3d5a": ["model 77c0"],
    "model 18b2": ["answers 3d5a", "code f00d"],
}
display(plots.made_from(made_from))

# %% [markdown]
# *The picture: an arrow goes from what was used to what was made of it.*
#
# **Predict first.** Zoë's story has to go. Which of the four models must be trained again or be thrown
# away?
#
# There are two questions to such a graph, and they go opposite ways. *What do I need to make this again?*
# goes back along the arrows, and wants an order: first the data, then the model. *What came of this?*
# goes along them.

# For either you must walk through a graph of which you do not know how deep it is. A function that calls
# itself can do that: to look at a thing, it looks at each of its parts first, in the same way. This is
# called **recursion**. Here it walks through a family, and shows when it comes and when it goes:


# %% tags=["demo", "nbval-check-output"]
children = {"Agnes": ["Bo", "Cleo"], "Cleo": ["Dora"]}


def walk(person, depth=0):
    print("  " * depth + f"I come to {person}")
    for child in children.get(person, []):
        walk(child, depth + 1)
    print("  " * depth + f"I have done all below {person}, and leave")


walk("Agnes")

# %% [markdown]
# What is printed on leaving comes in an order of its own: nobody is left before all below them are.

# %% [markdown] contract="lineage"
# `made_from` is a dictionary: for each thing the list of the things that it was made from, directly. What
# has no entry, and is only mentioned, was made from nothing that we know of.
#
# **`lineage(made_from, thing)`** returns a list of all that `thing` was made from, directly or through
# others, and of `thing` itself. Each stands there once, and after everything that it was made from. (So
# `thing` comes last. There are often several such orders; any of them is right.) If something was, by
# these records, made from itself, directly or through others, raise ValueError. You will only get
# circles that `thing` leads into.
#
# **`descendants(made_from, thing)`** returns the set of all things that were made from `thing`, directly or
# through others, without `thing` itself. (Here you will get no circles.)
#
# For example, with `{"c": ["a", "b"], "b": ["a"]}`, `lineage(made_from, "c")` is `["a", "b", "c"]`, and
# `descendants(made_from, "a")` is `{"b", "c"}`. `made_from` stays as it is.


# %% exercise="lineage" minutes=20 level=3
def lineage(made_from, thing):
    """Return all that is behind `thing`, each after what it was made from; `thing` comes last."""
    ### BEGIN SOLUTION
    found, under_way = [], set()

    def visit(thing):
        if thing in under_way:
            raise ValueError(f"{thing} was made from itself")
        if thing in found:
            return
        under_way.add(thing)
        for part in made_from.get(thing, []):
            visit(part)
        under_way.remove(thing)
        found.append(thing)

    visit(thing)
    return found
    ### END SOLUTION


def descendants(made_from, thing):
    """Return the set of all that was made from `thing`."""
    ### BEGIN SOLUTION
    return {other for other in made_from if other != thing and thing in lineage(made_from, other)}
    ### END SOLUTION


# %% check="lineage" tags=["nbval-check-output"]
check("lineage")

# %% [markdown] fold="Hint 1: a function that calls itself"
# Write a function `visit(thing)` inside: first `visit` each of its parts, then put the thing itself at the
# end of the list `found`, unless it is there already. Then everything stands behind its parts.

# %% [markdown] fold="Hint 2: circles"
# Keep a set of the things whose parts are just being visited. Put a thing in before you visit its parts,
# and take it out afterwards. Who comes to a thing that is in the set has gone round in a circle.

# %% [markdown] fold="Hint 3: descendants"
# All things `other` of `made_from` in whose lineage `thing` stands.

# %% [markdown]
# So what has to go with Zoë's story, and what would it take to make `model 18b2` again?

# %% tags=["demo"]
if check.ready("lineage", "descendants"):
    gone = descendants(made_from, "Zoë's story")
    display(plots.made_from(made_from, gone | {"Zoë's story"}))
    print("to make model 18b2 again:", " → ".join(lineage(made_from, "model 18b2")))

# %% [markdown] slide="What never saw the story may have learnt it all the same" picture="above"
# Orange: all that was made from Zoë's story, directly or through others. This is **lineage**.
#
# Notes: Somebody wants their story gone, and has the right to it. Which models must be trained
# again or thrown away? One of them learnt only from another model's answers, and without records
# nobody would have thought of it. Back along the arrows one sees what is needed to make a version
# again.

# %% [markdown]
# *The picture: all that is orange has something of the story in it.* One of these never saw the story: it
# learnt from another model's answers. It is orange all the same, and without records nobody would have
# thought of it.
#
# ## Which one is in service?
#
# All versions stay on the shelf, and one of them answers the users. People call it the **champion**, and
# the one that is to take its place the **challenger**. These are *aliases*: names that can be moved from
# one version to another, while a version itself never changes. To put a version into service is to move
# an alias, and to go back is to move it back. Both take a moment, and nothing is copied.
#
# Who may move it? It is tempting to let a program ask "is it approved?", find a yes somewhere, and go on.
#
# **Predict first.** A version passed the gate on Monday, was approved on Tuesday, and failed the gate on
# Wednesday, since the test data was mended. Is it approved?

# %% [markdown] fold="Answer"
# No. Who approved it on Tuesday saw an answer that no longer holds. What counts is the *order*: first
# the last gate, then an approval of that. This is why the ledger keeps an order, and not just marks.

# %% [markdown]
# And by whom? Not by the one who made it. Whoever has worked on something for weeks sees what it should
# be and not what it is; and a single stolen password should not be enough. Banks call this the
# **four-eyes principle**.

# %% [markdown] slide="What counts is the order: gate first, then another's yes"
# 1. Monday: the gate says yes
# 2. Tuesday: somebody approves
# 3. Wednesday: the gate says no
#
# **Not approved.** To put a version into service is to move an *alias*, `champion`.
#
# Notes: Who approved on Tuesday saw an answer that no longer holds. This is why a ledger keeps an
# order and not just marks. The approval must come from somebody other than the author: after weeks
# with something one sees what it should be, and one stolen password should not be enough. Banks
# call it the four-eyes principle.

# %% [markdown] contract="promote"
# `promote(entries, version, by)` takes the entries of a ledger, the oldest first, and decides whether `by`
# may put `version` into service. Of each entry you need `"event"`, `"version"`, `"by"` and `"details"`. The
# events that matter are `"registered"`, `"gated"`, `"approved"` and `"promoted"`.
#
# It raises PermissionError with the first of these messages that is true:
#
# | message | when |
# |---|---|
# | `"not registered"` | no entry registers this version |
# | `"not gated"` | the gate was not asked about this version, or in its last entry `["details"]["passed"]` is missing or anything but `True` |
# | `"not approved"` | after that last gate, nobody approved this version but, at most, who registered it |
#
# Otherwise it returns the entry that is to be written, a dictionary:
# `{"event": "promoted", "version": version, "by": by, "details": {"replaces": champion}}`. The champion is
# the version that was promoted last, or None if there was none. Whether this version was in service before,
# or is now, makes no difference: so one can go back. `entries` stays as it is.
#
# For example, a version that ada registered, that passed the gate, and that ben approved afterwards may be
# promoted, by ada too. One that only ada approved may not.


# %% exercise="promote" minutes=15 level=3
def promote(entries, version, by):
    """Return the entry that puts `version` into service, or raise PermissionError."""
    ### BEGIN SOLUTION
    own = [entry for entry in entries if entry["version"] == version]
    authors = {entry["by"] for entry in own if entry["event"] == "registered"}
    if not authors:
        raise PermissionError("not registered")
    gates = [place for place, entry in enumerate(own) if entry["event"] == "gated"]
    if not gates or own[gates[-1]]["details"].get("passed") is not True:
        raise PermissionError("not gated")
    approvals = {entry["by"] for entry in own[gates[-1] :] if entry["event"] == "approved"}
    if not approvals - authors:
        raise PermissionError("not approved")
    champions = [entry["version"] for entry in entries if entry["event"] == "promoted"]
    replaced = champions[-1] if champions else None
    return {"event": "promoted", "version": version, "by": by, "details": {"replaces": replaced}}
    ### END SOLUTION


# %% check="promote" tags=["nbval-check-output"]
check("promote")

# %% [markdown] fold="Hint 1: one after the other"
# Begin with the entries of this version alone. Then three questions, each with its own `raise`. The last
# one, who is the champion, goes to all entries.

# %% [markdown] fold="Hint 2: the last gate"
# `[place for place, entry in enumerate(own) if entry["event"] == "gated"]` are the places of all gates;
# the last is `[-1]`, and what comes behind it `own[place:]`.

# %% [markdown] fold="Hint 3: true or True?"
# `.get("passed") is True` is true for `True` alone. `if passed:` would also be true for the text `"no"`.

# %% [markdown]
# Ask it about the ledger of this morning, and about versions that somebody would like to have in service.
# (After four lines the version is in service already, and may replace itself: that changes nothing.)

# %% tags=["demo"]
if check.ready("append", "promote", "ledger"):
    entries = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    tonight = [
        {"event": "registered", "version": "e90b", "by": "cleo", "details": {}},
        {"event": "approved", "version": "e90b", "by": "cleo", "details": {}},
        {"event": "gated", "version": "e90b", "by": "gate", "details": {"passed": True}},
    ]
    for known in (entries[:0], entries[:1], entries[:2], entries[:3], entries):
        try:
            print(f"after {len(known)} lines:", promote(known, mine.version, "ben")["details"])
        except PermissionError as reason:
            print(f"after {len(known)} lines: {reason}")
    try:
        promote(entries + tonight, "e90b", "cleo")
    except PermissionError as reason:
        print("cleo's own, at night:", reason)

# %% [markdown]
# ## And the real tools?
#
# You have built the heart of two kinds of programs. A **model registry** knows all versions, their numbers
# and their aliases, and has a page to look at. MLflow (Zaharia and others, 2018) is the best known one.
# Here it keeps its records in an SQLite file; in a team it is a server.

# %% tags=["demo"]
try:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.disable(logging.INFO)
    from mlflow import MlflowClient
except ImportError:
    print("MLflow is not here. `pip install mlflow-skinny sqlalchemy alembic` brings it.")
else:
    place = Path(tempfile.mkdtemp())
    registry = MlflowClient(f"sqlite:///{place}/registry.db", f"sqlite:///{place}/registry.db")
    registry.create_registered_model("fables")
    for number, version_name in enumerate(("a41f", "77c0", mine.version), 1):
        registry.create_model_version(
            "fables", source=f"{place}/models/{version_name}", tags={"content": version_name}
        )
        if number == 1:
            registry.set_registered_model_alias("fables", "champion", 1)
    registry.set_registered_model_alias("fables", "challenger", 3)
    for alias in ("champion", "challenger"):
        found = registry.get_model_version_by_alias("fables", alias)
        print(f"{alias}: number {found.version}, content {found.tags['content']}")
    registry.set_registered_model_alias("fables", "champion", 3)
    found = registry.get_model_version_by_alias("fables", "champion")
    print(f"promoted; champion: number {found.version}, content {found.tags['content']}")
finally:
    logging.disable(logging.NOTSET)

# %% [markdown]
# MLflow numbers versions 1, 2, 3, and would not mind if you moved the alias to a version that no gate has
# seen. It keeps records, and asks no questions: so the ledger is the truth here, and MLflow a picture of
# it that can be drawn anew at any time.
#
# **Data** has versions too. Git is made for small texts, not for gigabytes. DVC puts a small file into git
# that holds the hash of the large one, and keeps the large one elsewhere, under that hash. It is your
# manifest again.

# %% tags=["demo"]
if preset == "smoke":
    print("The preset smoke leaves DVC out, which takes some seconds.")
elif importlib.util.find_spec("dvc") is None:
    print(
        "DVC is not here: `pip install dvc` brings it (some 160 MB). It would write a file like this:"
    )
    print(
        "outs:\n- md5: 5f2b51ca2fdc5baa31ec02e002f69aec\n  size: 1048576\n  hash: md5\n  path: fables.txt"
    )
else:
    place = Path(tempfile.mkdtemp())
    quiet = {name: value for name, value in os.environ.items() if "COLOR" not in name}
    quiet |= {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(place / "site"), "TERM": "dumb"}
    (place / "fables.txt").write_text("\n\n".join(validation), encoding="utf-8")
    for command in (["init", "--no-scm", "--quiet"], ["add", "--quiet", "fables.txt"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=place, env=quiet, check=True)
    print((place / "fables.txt.dvc").read_text())
    data = (place / "fables.txt").read_bytes()
    print("MD5 by hashlib:", hashlib.md5(data, usedforsecurity=False).hexdigest())
    kept = [path for path in (place / ".dvc" / "cache").rglob("*") if path.is_file()]
    print("kept as:", *(path.relative_to(place) for path in kept))

# %% [markdown] slide="Registries keep records, the ledger asks questions"
# MLflow moves an alias to any version you like. DVC keeps large files under their hash.
#
# Here the ledger is the truth, and MLflow a picture of it.
#
# Notes: You have built the heart of two kinds of programs. A registry knows versions, numbers and
# aliases, and would not mind if you moved one to a version that no gate has seen. Data has versions
# too, and a small file with a hash in git is your manifest again. Now it is known which model it
# is. Lesson 12 asks who may use it, and how much.

# %% [markdown]
# The file is kept under its own hash: what was changed is stored anew, what was not is stored once,
# however many versions have it. (MD5 is an older hash function. It finds accidents, but two files with
# the same MD5 can be made within seconds on a laptop, so do not trust it against people.)
#
# The course's tool has the same for your model, at the command line: `lmops register` and `lmops approve`
# write to the ledger, `lmops models` lists what there is, and `lmops audit` looks at everything again:
# the chain, each bundle's hashes, and whether MLflow still tells what the ledger tells.
#
# ## The day so far

# %% tags=["demo"]
display(timeline.until("11_package_and_register"))

# %% [markdown] contract="quiz"
# Five questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. Why is a version worked out from the content, and not counted up?
#    - (a) Because a hash is shorter than a number.
#    - (b) Because nobody has to hand it out, and everyone who has the bytes gets the same one.
#    - (c) Because later versions then have larger names.
# 2. A colleague sends you `model.pkl`. When may code in it run?
#    - (a) when you load it
#    - (b) when you call the model
#    - (c) never, if it comes from a colleague
# 3. `verify_bundle(folder)` gives `[]`. What do you know?
#    - (a) It is the model that your colleague packed.
#    - (b) It is a good model.
#    - (c) Its files fit its own manifest; whether it is the right one, a version from elsewhere says.
# 4. Somebody changes line 3 of a ledger of 100 lines, and wants it to look sound. They must make anew ...
#    - (a) the hash of line 3
#    - (b) the hashes of lines 3 to 100, and the head wherever it was kept
#    - (c) the hashes of lines 1 to 3
# 5. A person wants their story gone. You look for ...
#    - (a) the lineage of the champion
#    - (b) the descendants of the data that hold the story
#    - (c) the newest version that was trained without it

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "a"
answer_3 = "c"
answer_4 = "b"
answer_5 = "b"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - A version is worked out from the bytes of all files and their names. Same content, same name; one bit
#   turned, another name.
# - A pickle is a program, and loading runs it. safetensors holds numbers and nothing else, and the same
#   weights give the same bytes.
# - A bundle is one folder with weights, config, tokenizer, code, metrics, card and a manifest that is
#   written last. Who takes one says what may be in it, and refuses all else.
# - A manifest shows that nothing was lost. Which one it is, only a version from elsewhere shows.
# - The numbers of a card come from the model; what it is for and what not comes from people, and must
#   not be missing.
# - In a hash chain each line holds all lines before it, and the head, kept elsewhere, holds them all.
# - Lineage tells what a model was made from, and what has to go when a story goes.
# - Into service goes what was registered, passed the last gate, and was approved after that by another.
#
# **Next**, at noon, the service opens: lesson 12 lets others ask your model, and asks who may, and how
# much.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy, monitor,
# update, feed back) this was the first half of *deploy*: what exactly is it that you will put there?
#
# ### References
#
# - R. C. Merkle (1987). A Digital Signature Based on a Conventional Encryption Function. *CRYPTO*.
# - S. Haber, W. S. Stornetta (1991). How to Time-Stamp a Digital Document. *Journal of Cryptology* 3(2).
# - M. Mitchell and others (2019). Model Cards for Model Reporting. *FAT\**.
# - T. Gebru and others (2021). Datasheets for Datasets. *Communications of the ACM* 64(12).
# - M. Zaharia and others (2018). Accelerating the Machine Learning Lifecycle with MLflow. *IEEE Data
#   Engineering Bulletin* 41(4).
# - D. Sculley and others (2015). Hidden Technical Debt in Machine Learning Systems. *NeurIPS*. Why all
#   this takes more work than the model.

# %%
check.summary()
