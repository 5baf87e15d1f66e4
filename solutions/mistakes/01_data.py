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


# %% exercise="encode" mistake="a list, no tensor" hint="torch.tensor"
def encode(text, chars):
    places = {char: place for place, char in enumerate(chars)}
    return [places[char] for char in text]


# %% exercise="encode" mistake="the computer's own number of each character" hint="its place in chars"
def encode(text, chars):
    return torch.tensor([ord(char) for char in text], dtype=torch.int64)


# %% exercise="encode" mistake="a vocabulary of its own" hint="not among the characters of this"
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


# %% exercise="entropy" mistake="forgets the minus" hint="a minus sign"
def entropy(probs):
    possible = probs[probs > 0]
    return (possible * possible.log()).sum().item()


# %% exercise="entropy" mistake="takes the mean" hint="add the terms up"
def entropy(probs):
    possible = probs[probs > 0]
    return -(possible * possible.log()).mean().item()


# %% exercise="entropy" mistake="bits instead of nats" hint="log2 gives bits"
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


# %% exercise="quiz" mistake="units mixed up" hint="a fair coin is one bit"
answer_1 = "b"
answer_2 = "c"
answer_3 = "b"
answer_4 = "c"
answer_5 = "a"
