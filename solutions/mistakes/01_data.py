# %% exercise="clean" mistake="splitlines loses the last line end" hint="splitlines() and strip() lose it"
def clean(text):
    for wild, plain in {"\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("[page "))


# %% exercise="clean" mistake="squeezes all white space" hint="must come back unchanged"
def clean(text):
    for wild, plain in {"“": '"', "”": '"', "‘": "'", "’": "'"}.items():
        text = text.replace(wild, plain)
    return " ".join(text.split())


# %% exercise="clean" mistake="a Windows line end becomes two" hint="leaves two line ends"
def clean(text):
    text = text.replace("\r", "\n").replace("\u00a0", " ")
    for wild, plain in {"“": '"', "”": '"', "‘": "'", "’": "'"}.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="throws away what replace returns" hint="replace the pair"
def clean(text):
    for wild, plain in {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"'}.items():
        text.replace(wild, plain)
    return text


# %% exercise="clean" mistake="forgets the apostrophe" hint="an apostrophe too"
def clean(text):
    for wild, plain in {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'"}.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="spaces go only at the end of the text" hint="every line"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    return text.rstrip(" ")


# %% exercise="clean" mistake="strips both ends of a line" hint="rstrip, not strip"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.strip() for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="a page mark leaves an empty line" hint="do not make it empty"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip() for line in text.split("\n")]
    for number, line in enumerate(lines):
        if line.startswith("[page ") and line.endswith("]"):
            lines[number] = ""
    return "\n".join(lines)


# %% exercise="clean" mistake="drops every line with a page in it" hint="a whole line"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(line for line in lines if "[page " not in line)


# %% exercise="clean" mistake="looks for page marks before it tidies the lines" hint="order matters"
def clean(text):
    lines = text.replace("\r\n", "\n").split("\n")
    lines = [line for line in lines if not (line.startswith("[page ") and line.endswith("]"))]
    text = "\n".join(line.replace("\u00a0", " ").rstrip(" ") for line in lines)
    for wild, plain in {"“": '"', "”": '"', "‘": "'", "’": "'"}.items():
        text = text.replace(wild, plain)
    return text


# %% exercise="clean" mistake="a line end behind every line" hint="must not gain one"
def clean(text):
    repairs = {"\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    cleaned = ""
    for line in text.splitlines():
        line = line.rstrip(" ")
        if not (line.startswith("[page ") and line.endswith("]")):
            cleaned += line + "\n"
    return cleaned


# %% exercise="clean" mistake="takes tabs off the ends of lines" hint="rstrip() takes tabs too"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="drops every carriage return" hint="a \\r on its own stays"
def clean(text):
    repairs = {"\r": "", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="page marks with digits only" hint="may stand anything"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(line for line in lines if not re.fullmatch(r"\[page \d+\]", line))


# %% exercise="clean" mistake="makes dashes plain too" hint="repair only what the table names"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in {**repairs, "–": "-", "—": "-", "…": "..."}.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="collapses spaces" hint="several spaces between two words"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="misses the spaces of the last line" hint="has no line end behind it"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    text = re.sub(" +\n", "\n", text)
    return re.sub(r"^\[page .*\]\n", "", text, flags=re.MULTILINE)


# %% exercise="clean" mistake="page marks that are indented" hint="with no space in front"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.strip().startswith("[page ") and line.endswith("]"))
    )


# %% exercise="clean" mistake="takes the line end before a page mark" hint="a page mark goes with its line end"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    return re.sub(r"\n\[page [^\n]*\](?=\n)", "", text)


# %% exercise="clean" mistake="two page marks share a line end" hint="also when the line before"
def clean(text):
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    return re.sub(r"(^|\n)\[page [^\n]*\]\n", r"\1", text)


# %% exercise="clean" right="regular expressions"
def clean(text):
    text = re.sub("\r\n", "\n", text.replace("\xa0", " "))
    text = re.sub("[“”]", '"', re.sub("[‘’]", "'", text))
    text = re.sub(r" +$", "", text, flags=re.MULTILINE)
    return re.sub(r"^\[page [^\n]*\]\n", "", text, flags=re.MULTILINE)


# %% exercise="clean" right="one character after the other"
def clean(text):
    plain = {"\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    out, line, at = "", "", 0
    while at < len(text):
        char = text[at]
        if text[at : at + 2] == "\r\n":
            char, at = "\n", at + 1
        at += 1
        if char != "\n":
            line += plain.get(char, char)
            continue
        while line[-1:] == " ":
            line = line[:-1]
        if line[:6] != "[page " or line[-1] != "]":
            out += line + "\n"
        line = ""
    while line[-1:] == " ":
        line = line[:-1]
    return out + line


# %% exercise="clean" right="a table for translate, and a generator of lines"
def clean(text):
    def lines():
        for line in text.replace("\r\n", "\n").translate(table).split("\n"):
            while line.endswith(" "):
                line = line.removesuffix(" ")
            if not re.fullmatch(r"\[page .*\]", line, re.DOTALL):
                yield line

    table = str.maketrans("\xa0“”‘’", " \"\"''")
    return "\n".join(lines())


# %% exercise="split" mistake="keeps the copies" hint="went to both sides"
def split(stories, fraction=0.9, seed=0):
    shuffled = list(stories)
    random.Random(seed).shuffle(shuffled)
    cut = round(fraction * len(shuffled))
    return shuffled[:cut], shuffled[cut:]


# %% exercise="split" mistake="validation comes first" hint="train comes first"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[cut:], different[:cut]


# %% exercise="split" mistake="does not shuffle" hint="shuffle before you cut"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="shuffles the caller's list" hint="shuffle a copy"
def split(stories, fraction=0.9, seed=0):
    random.Random(seed).shuffle(stories)
    different = list(dict.fromkeys(stories))
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="forgets the seed" hint="random.Random(seed)"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="always the same seed" hint="not from a fixed number"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.Random(0).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="drops copies after the cut" hint="exactly once"
def split(stories, fraction=0.9, seed=0):
    shuffled = list(stories)
    random.Random(seed).shuffle(shuffled)
    cut = round(fraction * len(shuffled))
    train = shuffled[:cut]
    return train, [story for story in shuffled[cut:] if story not in train]


# %% exercise="split" mistake="cuts by the number with copies" hint="a share of the different"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(stories))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="shuffles a set" hint="another order in every run"
def split(stories, fraction=0.9, seed=0):
    different = list(set(stories))
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="keeps what shuffle returns" hint="returns None"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    different = random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="cuts down instead of rounding" hint="round, not int"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    cut = int(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="counts the cut from the end" hint="count the cut from the front"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    held_out = len(different) - round(fraction * len(different))
    return different[:-held_out], different[-held_out:]


# %% exercise="split" mistake="capitals make no difference" hint="a capital or a space is another story"
def split(stories, fraction=0.9, seed=0):
    different = list({story.strip().lower(): story for story in stories}.values())
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="takes every second story" hint="has to start from the argument seed"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    cut = round(fraction * len(different))
    different = different[::2] + different[1::2]
    return different[:cut], different[cut:]


# %% exercise="split" mistake="another default" hint="fraction=0.9, seed=0"
def split(stories, fraction=0.8, seed=1):
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" mistake="drops stories that were repeated" hint="or to none"
def split(stories, fraction=0.9, seed=0):
    times = Counter(stories)
    different = [story for story in stories if times[story] == 1]
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" right="draws the training side, and keeps the order of the rest"
def split(stories, fraction=0.9, seed=0):
    different = sorted(set(stories))
    train = random.Random(seed).sample(different, round(fraction * len(different)))
    return train, [story for story in different if story not in train]


# %% exercise="split" right="torch's generator"
def split(stories, fraction=0.9, seed=0):
    different = [story for i, story in enumerate(stories) if story not in stories[:i]]
    order = torch.randperm(len(different), generator=torch.Generator().manual_seed(seed))
    shuffled = [different[i] for i in order]
    cut = round(fraction * len(different))
    return [shuffled[:cut], shuffled[cut:]]


# %% exercise="split" right="sorts by a number that each story draws"
def split(stories, fraction=0.9, seed=0):
    random.seed(seed)
    ranked = sorted((random.random(), story) for story in dict.fromkeys(stories))
    cut = round(fraction * len(ranked))
    train, validation = [], []
    for number, (_, story) in enumerate(ranked):
        (train if number < cut else validation).append(story)
    return train, validation


# %% exercise="build_vocab" mistake="words instead of characters" hint="not for each word"
def build_vocab(text):
    return sorted(set(text.split()))


# %% exercise="build_vocab" mistake="a set, not a list" hint="return a list"
def build_vocab(text):
    return set(text)


# %% exercise="build_vocab" mistake="in no order" hint="sorted(...)"
def build_vocab(text):
    return list(set(text))


# %% exercise="build_vocab" mistake="small letters only" hint="'A' is not 'a'"
def build_vocab(text):
    return sorted(set(text.lower()))


# %% exercise="build_vocab" mistake="characters of the English keyboard only" hint="take the characters from the text"
def build_vocab(text):
    import string

    return sorted(char for char in string.printable if char in text)


# %% exercise="build_vocab" mistake="small and capital letters side by side" hint="sorted(...)"
def build_vocab(text):
    return sorted(set(text), key=str.lower)


# %% exercise="build_vocab" mistake="in order of arrival" hint="sorted(...)"
def build_vocab(text):
    return list(dict.fromkeys(text))


# %% exercise="build_vocab" right="takes neighbours that differ, in the sorted text"
def build_vocab(text):
    ordered = sorted(text)
    return [char for i, char in enumerate(ordered) if i == 0 or char != ordered[i - 1]]


# %% exercise="build_vocab" right="takes the smallest that is left, again and again"
def build_vocab(text):
    chars = []
    while text:
        chars.append(min(text))
        text = text.replace(chars[-1], "")
    return chars


# %% exercise="encode" mistake="a list, no tensor" hint="torch.tensor"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return [places[char] for char in text]


# %% exercise="encode" mistake="the computer's own number of each character" hint="its place in chars"
def encode(text, chars):
    return torch.tensor([ord(char) for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="a vocabulary of its own" hint="not among the characters of this text"
def encode(text, chars):
    places = {char: place for place, char in enumerate(sorted(set(text)))}
    return torch.tensor([places[char] for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="unknown characters become 0" hint="let the look-up fail"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return torch.tensor([places.get(char, 0) for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="no dtype" hint="dtype=torch.int64"
def encode(text, chars):
    return torch.tensor([chars.index(char) for char in text])


# %% exercise="encode" mistake="int32" hint="ids are int64"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return torch.tensor([places[char] for char in text], dtype=torch.int32)


# %% exercise="encode" mistake="a dictionary the wrong way round" hint="from the character to its place"
def encode(text, chars):
    places = dict(enumerate(chars))
    return torch.tensor([places[char] for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="sorts the vocabulary" hint="do not sort it"
def encode(text, chars):
    places = {char: place for place, char in enumerate(sorted(chars))}
    return torch.tensor([places[char] for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="leaves unknown characters out" hint="instead of leaving"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return torch.tensor([places[char] for char in text if char in places], dtype=torch.int64)


# %% exercise="encode" mistake="counts from 1" hint="counted from 0"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars, start=1)}
    return torch.tensor([places[char] for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="strips the text" hint="also at both ends"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return torch.tensor([places[char] for char in text.strip()], dtype=torch.int64)


# %% exercise="encode" mistake="makes the text lower case" hint="Did you change the text?"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return torch.tensor([places[char] for char in text.lower()], dtype=torch.int64)


# %% exercise="encode" right="asks the list each time"
def encode(text, chars):
    return torch.LongTensor(list(map(chars.index, text)))


# %% exercise="encode" right="compares numbers of characters"
def encode(text, chars):
    known = torch.tensor([ord(char) for char in chars])
    asked = torch.tensor([ord(char) for char in text], dtype=torch.int64)
    same = asked[:, None] == known
    assert same.any(dim=1).all(), "a character is not in chars"
    return same.int().argmax(dim=1)


# %% exercise="encode" right="numpy in the middle"
def encode(text, chars):
    import numpy as np

    joined = "".join(chars)
    found = np.array([joined.index(char) for char in text], dtype=np.int64)
    return torch.from_numpy(found)


# %% exercise="decode" mistake="a list of characters" hint="join"
def decode(ids, chars):
    return [chars[i] for i in ids]


# %% exercise="decode" mistake="joins with spaces" hint="an empty string"
def decode(ids, chars):
    return " ".join(chars[i] for i in ids)


# %% exercise="decode" mistake="takes tensors only" hint="a list too"
def decode(ids, chars):
    return "".join(chars[i] for i in ids.tolist())


# %% exercise="decode" mistake="strips the text" hint="do not strip"
def decode(ids, chars):
    return "".join(chars[i] for i in ids).strip()


# %% exercise="decode" mistake="sorts the vocabulary" hint="do not sort it"
def decode(ids, chars):
    return "".join(sorted(chars)[i] for i in ids)


# %% exercise="decode" mistake="asks a dictionary with tensors" hint="and a dictionary does not"
def decode(ids, chars):
    places = dict(enumerate(chars))
    return "".join(places[i] for i in ids)


# %% exercise="decode" mistake="uses the computer's own numbers" hint="look up chars[i]"
def decode(ids, chars):
    return "".join(chr(i) for i in ids)


# %% exercise="decode" right="a dictionary, and plain numbers"
def decode(ids, chars):
    names = dict(enumerate(chars))
    text = ""
    for i in ids:
        text += names[int(i)]
    return text


# %% exercise="decode" right="map over any kind of ids"
def decode(ids, chars):
    return str().join(map(chars.__getitem__, torch.as_tensor(ids, dtype=torch.int64).tolist()))


# %% exercise="entropy" mistake="forgets the minus" hint="a minus sign"
def entropy(probs):
    possible = probs[probs > 0]
    return (possible * possible.log()).sum().item()


# %% exercise="entropy" mistake="takes the mean" hint="the mean of the terms"
def entropy(probs):
    possible = probs[probs > 0]
    return -(possible * possible.log()).mean().item()


# %% exercise="entropy" mistake="bits instead of nats" hint="in bits, from log2"
def entropy(probs):
    possible = probs[probs > 0]
    return -(possible * possible.log2()).sum().item()


# %% exercise="entropy" mistake="zero times infinity" hint="leave out outcomes"
def entropy(probs):
    return -(probs * probs.log()).sum().item()


# %% exercise="entropy" mistake="does not weigh by the probability" hint="weigh the surprise"
def entropy(probs):
    return -probs.log().mean().item()


# %% exercise="entropy" mistake="does not add up" hint="add up with .sum()"
def entropy(probs):
    possible = probs[probs > 0]
    return -(possible * possible.log())


# %% exercise="entropy" mistake="the logarithm of a whole tensor" hint="a tensor has its own .log()"
def entropy(probs):
    possible = probs[probs > 0]
    return -(possible * math.log(possible)).sum()


# %% exercise="entropy" mistake="drops what seldom happens" hint="however small"
def entropy(probs):
    return -sum(p * math.log(p) for p in probs.tolist() if p > 0.01)


# %% exercise="entropy" mistake="writes into probs" hint="caller's own tensor"
def entropy(probs):
    probs[probs == 0] = 1.0
    return -(probs * probs.log()).sum()


# %% exercise="entropy" mistake="surprise without weights" hint="is a sum without the weights"
def entropy(probs):
    return -probs[probs > 0].log().sum().item()


# %% exercise="entropy" mistake="its exponential" hint="is exp(entropy)"
def entropy(probs):
    possible = probs[probs > 0]
    return torch.exp(-(possible * possible.log()).sum()).item()


# %% exercise="entropy" mistake="a tensor of shape (1,)" hint="a tensor of shape ()"
def entropy(probs):
    possible = probs[probs > 0]
    return -(possible * possible.log()).sum(dim=0, keepdim=True)


# %% exercise="entropy" right="a loop over plain numbers"
def entropy(probs):
    return sum(p * math.log(1 / p) for p in probs.tolist() if p)


# %% exercise="entropy" right="torch's own entropy"
def entropy(probs):
    return torch.special.entr(probs).sum()


# %% exercise="entropy" right="a distribution knows its entropy"
def entropy(probs):
    return torch.distributions.Categorical(probs=probs).entropy()


# %% exercise="entropy" right="the mean surprise, one dot product"
def entropy(probs):
    surprise = torch.where(probs > 0, -probs.clamp(min=1e-30).log(), torch.zeros(()))
    return float(probs @ surprise)


# %% exercise="get_batch" mistake="lists instead of tensors" hint="torch.stack"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context, (batch,)).tolist()
    x = [ids[start : start + context] for start in starts]
    y = [ids[start + 1 : start + 1 + context] for start in starts]
    return x, y


# %% exercise="get_batch" mistake="places instead of ids" hint="not their places"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context, (batch, 1))
    x = starts + torch.arange(context)
    return x, x + 1


# %% exercise="get_batch" mistake="a start for each character" hint="a stretch of neighbours"
def get_batch(ids, batch, context):
    places = torch.randint(len(ids) - context, (batch, context))
    return ids[places], ids[places + 1]


# %% exercise="get_batch" mistake="y is x" hint="one character later"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    return x, x


# %% exercise="get_batch" mistake="y follows after x" hint="one character later"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - 2 * context, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + context : start + 2 * context] for start in starts])
    return x, y


# %% exercise="get_batch" mistake="one start for all rows" hint="a new random start for each"
def get_batch(ids, batch, context):
    start = torch.randint(len(ids) - context, (1,)).item()
    x = torch.stack([ids[start : start + context]] * batch)
    y = torch.stack([ids[start + 1 : start + 1 + context]] * batch)
    return x, y


# %% exercise="get_batch" mistake="sets a seed inside" hint="set no seed"
def get_batch(ids, batch, context):
    torch.manual_seed(0)
    starts = torch.randint(len(ids) - context, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x, y


# %% exercise="get_batch" mistake="never the last start" hint="leaves its upper end out"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context - 1, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x, y


# %% exercise="get_batch" mistake="starts one too far" hint="leaves its upper end out"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context + 1, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x, y


# %% exercise="get_batch" mistake="adds one to x" hint="x + 1 is something else"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    return x, x + 1


# %% exercise="get_batch" mistake="no place comes twice" hint="none comes twice"
def get_batch(ids, batch, context):
    starts = torch.randperm(len(ids) - context)[:batch].tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x, y


# %% exercise="get_batch" mistake="pushes late starts back" hint="pushing the last ones back"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids), (batch,)).clamp(max=len(ids) - context - 1).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x, y


# %% exercise="get_batch" mistake="float32" hint="int64 in the whole course"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x.float(), y.float()


# %% exercise="get_batch" mistake="squeezes a single row" hint="keep their two dims"
def get_batch(ids, batch, context):
    starts = torch.randint(len(ids) - context, (batch, 1))
    windows = ids[starts + torch.arange(context + 1)]
    return windows[:, :-1].squeeze(), windows[:, 1:].squeeze()


# %% exercise="get_batch" mistake="goes through the text in order" hint="draw each row's start on its own"
def get_batch(ids, batch, context):
    first = torch.randint(len(ids) - context - batch, (1,)).item()
    x = torch.stack([ids[first + i : first + i + context] for i in range(batch)])
    y = torch.stack([ids[first + i + 1 : first + i + 1 + context] for i in range(batch)])
    return x, y


# %% exercise="get_batch" mistake="y has starts of its own" hint="y is the same stretch"
def get_batch(ids, batch, context):
    windows = []
    for _ in range(2):
        starts = torch.randint(len(ids) - context, (batch,)).tolist()
        windows.append(torch.stack([ids[start : start + context] for start in starts]))
    return windows


# %% exercise="get_batch" right="all windows, and some of them"
def get_batch(ids, batch, context):
    windows = ids.unfold(0, context + 1, 1)
    chosen = windows[torch.randint(len(windows), (batch,))]
    return chosen[:, :-1], chosen[:, 1:]


# %% exercise="get_batch" right="Python's dice, and a list of two"
def get_batch(ids, batch, context):
    x = torch.empty(batch, context, dtype=torch.int64)
    y = torch.empty_like(x)
    for row in range(batch):
        start = random.randrange(len(ids) - context)
        x[row], y[row] = ids[start : start + context], ids[start + 1 : start + context + 1]
    return [x, y]


# %% exercise="get_batch" right="places at once, y from the text shifted by one"
def get_batch(ids, batch, context):
    places = (torch.rand(batch, 1) * (len(ids) - context)).long() + torch.arange(context)
    return ids[places], ids.roll(-1)[places]


# %% exercise="data_card" mistake="other keys" hint="exactly the five keys"
def data_card(train, validation):
    return {"stories": len(train) + len(validation), "leaked": leaked(train, validation)}


# %% exercise="data_card" mistake="counts the leak instead of the share" hint="the share, from 0 to 1"
def data_card(train, validation):
    together = "".join(train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(together),
        "alphabet": len(set(together)),
        "leaked": len(set(train) & set(validation)),
    }


# %% exercise="data_card" mistake="the alphabet of one side only" hint="both sides together"
def data_card(train, validation):
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len("".join(train + validation)),
        "alphabet": len(set("".join(train))),
        "leaked": leaked(train, validation),
    }


# %% exercise="data_card" mistake="both sides swapped in the leak" hint="the share, from 0 to 1"
def data_card(train, validation):
    together = "".join(train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(together),
        "alphabet": len(set(together)),
        "leaked": leaked(validation, train),
    }


# %% exercise="data_card" mistake="lengthens the caller's list" hint="the caller's own list"
def data_card(train, validation):
    card = {
        "training stories": len(train),
        "validation stories": len(validation),
        "leaked": leaked(train, validation),
    }
    train += validation
    together = "".join(train)
    return {**card, "characters": len(together), "alphabet": len(set(together))}


# %% exercise="data_card" mistake="the share of different stories" hint="counts twice"
def data_card(train, validation):
    together = "".join(train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(together),
        "alphabet": len(set(together)),
        "leaked": len(set(train) & set(validation)) / len(set(validation)),
    }


# %% exercise="data_card" mistake="counts different stories" hint="not the different ones"
def data_card(train, validation):
    together = "".join(train + validation)
    return {
        "training stories": len(set(train)),
        "validation stories": len(set(validation)),
        "characters": len(together),
        "alphabet": len(set(together)),
        "leaked": leaked(train, validation),
    }


# %% exercise="data_card" mistake="adds up the characters of different stories" hint="and with its characters"
def data_card(train, validation):
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": sum(len(story) for story in {*train}) + len("".join(validation)),
        "alphabet": len(set("".join(train + validation))),
        "leaked": leaked(train, validation),
    }


# %% exercise="data_card" mistake="counts line ends" hint="sum the len of each"
def data_card(train, validation):
    together = corpus.join(train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(together),
        "alphabet": len(set(together)),
        "leaked": leaked(train, validation),
    }


# %% exercise="data_card" right="counts by hand"
def data_card(train, validation):
    card = dict.fromkeys(["leaked", "alphabet", "characters"], 0)
    letters = set()
    for side, stories in (("training", train), ("validation", validation)):
        card[f"{side} stories"] = sum(1 for _ in stories)
        for story in stories:
            card["characters"] += len(story)
            letters.update(story)
    card["leaked"] = [story in train for story in validation].count(True) / len(validation)
    return card | {"alphabet": len(letters)}


# %% exercise="data_card" right="counters"
def data_card(train, validation):
    here, there = Counter(train), Counter(validation)
    letters = Counter(char for story in [*train, *validation] for char in story)
    return {
        "leaked": sum(there[story] for story in there.keys() & here.keys()) / there.total(),
        "alphabet": len(letters),
        "characters": letters.total(),
        "validation stories": there.total(),
        "training stories": here.total(),
    }


# %% exercise="quiz" mistake="units mixed up" hint="a fair coin is one bit"
answer_1 = "b"
answer_2 = "c"
answer_3 = "b"
answer_4 = "c"
answer_5 = "a"


# %% exercise="clean" mistake="page marks with capitals too" hint="no capital"
def clean(text):
    swaps = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for old, new in swaps.items():
        text = text.replace(old, new)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    return "\n".join(
        line for line in lines if not (line.lower().startswith("[page ") and line.endswith("]"))
    )


# %% exercise="split" mistake="turns the list round a random place" hint="stay together"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    turn = random.Random(seed).randrange(len(different))
    different = different[turn:] + different[:turn]
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]


# %% exercise="split" right="draws who trains, and keeps the order of arrival"
def split(stories, fraction=0.9, seed=0):
    import hashlib

    different = list(dict.fromkeys(stories))
    order = sorted(different, key=lambda s: hashlib.sha256(f"{seed}:{s}".encode()).digest())
    chosen = set(order[: round(fraction * len(different))])
    train = [story for story in different if story in chosen]
    return train, [story for story in different if story not in chosen]


# %% exercise="decode" mistake="takes the ids out of the list" hint="out of the caller's own list"
def decode(ids, chars):
    if isinstance(ids, torch.Tensor):
        ids = ids.tolist()
    text = ""
    while ids:
        text += chars[ids.pop(0)]
    return text


# %% exercise="get_batch" mistake="sorts the starts" hint="in the order in which they were drawn"
def get_batch(ids, batch, context):
    starts = sorted(torch.randint(len(ids) - context, (batch,)).tolist())
    x = torch.stack([ids[start : start + context] for start in starts])
    return x, torch.stack([ids[start + 1 : start + 1 + context] for start in starts])


# %% exercise="get_batch" mistake="rounds, so that both ends come half as often" hint="without rounding"
def get_batch(ids, batch, context):
    last = len(ids) - context - 1
    starts = (torch.rand(batch) * last).round().long().tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    return x, torch.stack([ids[start + 1 : start + 1 + context] for start in starts])


# %% exercise="get_batch" right="unfold, and an index into all windows"
def get_batch(ids, batch, context):
    windows = ids.unfold(0, context + 1, 1)
    rows = windows[torch.randint(len(windows), (batch,))]
    return rows[:, :-1], rows[:, 1:]


# %% exercise="data_card" mistake="looks for a story in one long string" hint="not one long string"
def data_card(train, validation):
    text = "".join(train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(text),
        "alphabet": len(set(text)),
        "leaked": sum(story in "".join(train) for story in validation) / len(validation),
    }


# %% exercise="data_card" mistake="strips the stories" hint="strip nothing"
def data_card(train, validation):
    text = "".join(story.strip() for story in train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(text),
        "alphabet": len(set("".join(train + validation))),
        "leaked": leaked(train, validation),
    }


# %% exercise="split" mistake="prints instead of returning" hint="is a `return` missing?"
def split(stories, fraction=0.9, seed=0):
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    print(different[:cut], different[cut:])


# %% exercise="decode" mistake="prints instead of returning" hint="is a `return` missing?"
def decode(ids, chars):
    print("".join(chars[i] for i in ids))


# %% exercise="entropy" mistake="prints instead of returning" hint="is a `return` missing?"
def entropy(probs):
    possible = probs[probs > 0]
    print(-(possible * possible.log()).sum())


# %% exercise="data_card" mistake="prints instead of returning" hint="is a `return` missing?"
def data_card(train, validation):
    text = "".join(train + validation)
    print(len(train), len(validation), len(text), len(set(text)))
