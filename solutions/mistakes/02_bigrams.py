# %% exercise="count_bigrams" mistake="drops the last pair" hint="the last pair counts too"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for i in range(len(ids) - 2):
        counts[ids[i], ids[i + 1]] += 1
    return counts


# %% exercise="count_bigrams" mistake="joins the end to the start" hint="does not wrap round"
def count_bigrams(ids, V):
    places = ids * V + torch.roll(ids, -1)
    return torch.bincount(places, minlength=V * V).reshape(V, V).float()


# %% exercise="count_bigrams" mistake="the table is transposed" hint="row is the first"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for first, second in pairwise(ids.tolist()):
        counts[second, first] += 1
    return counts


# %% exercise="count_bigrams" mistake="leaves the counts int64" hint="float32"
def count_bigrams(ids, V):
    places = ids[:-1] * V + ids[1:]
    return torch.bincount(places, minlength=V * V).reshape(V, V)


# %% exercise="count_bigrams" mistake="adds to all places at once" hint="adds only once"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    counts[ids[:-1], ids[1:]] += 1
    return counts


# %% exercise="count_bigrams" mistake="bincount without minlength" hint="minlength=V * V"
def count_bigrams(ids, V):
    places = ids[:-1] * V + ids[1:]
    return torch.bincount(places).reshape(V, V).float()


# %% exercise="count_bigrams" mistake="as large as the text needs" hint="whatever the text holds"
def count_bigrams(ids, V):
    V = int(ids.max()) + 1
    places = ids[:-1] * V + ids[1:]
    return torch.bincount(places, minlength=V * V).reshape(V, V).float()


# %% exercise="count_bigrams" mistake="starts at one for every pair" hint="N - 1 pairs"
def count_bigrams(ids, V):
    counts = torch.ones(V, V)
    for first, second in pairwise(ids.tolist()):
        counts[first, second] += 1
    return counts


# %% exercise="normalise" mistake="divides by the column sums" hint="along dim=0"
def normalise(counts, alpha=1.0):
    smoothed = counts + alpha
    return smoothed / smoothed.sum(dim=0, keepdim=True)


# %% exercise="normalise" mistake="forgets keepdim" hint="keepdim"
def normalise(counts, alpha=1.0):
    smoothed = counts + alpha
    return smoothed / smoothed.sum(dim=1)


# %% exercise="normalise" mistake="divides by the sum of the whole table" hint="the sum of that row"
def normalise(counts, alpha=1.0):
    smoothed = counts + alpha
    return smoothed / smoothed.sum()


# %% exercise="normalise" mistake="always adds one" hint="alpha = 0 adds nothing"
def normalise(counts, alpha=1.0):
    smoothed = counts + 1
    return smoothed / smoothed.sum(dim=1, keepdim=True)


# %% exercise="normalise" mistake="smooths after dividing" hint="Add alpha to every count first"
def normalise(counts, alpha=1.0):
    probs = counts / counts.sum(dim=1, keepdim=True) + alpha
    return probs / probs.sum(dim=1, keepdim=True)


# %% exercise="normalise" mistake="divides by the old sum" hint="the sum of the new row"
def normalise(counts, alpha=1.0):
    return (counts + alpha) / counts.sum(dim=1, keepdim=True)


# %% exercise="normalise" mistake="adds alpha once below" hint="the sum of the new row"
def normalise(counts, alpha=1.0):
    return (counts + alpha) / (counts.sum(dim=1, keepdim=True) + alpha)


# %% exercise="normalise" mistake="smooths only the zeros" hint="Add alpha to every count"
def normalise(counts, alpha=1.0):
    smoothed = torch.where(counts == 0, torch.full_like(counts, alpha), counts)
    return smoothed / smoothed.sum(dim=1, keepdim=True)


# %% exercise="normalise" mistake="alpha has no default" hint="Keep the signature"
def normalise(counts, alpha):
    smoothed = counts + alpha
    return smoothed / smoothed.sum(dim=1, keepdim=True)


# %% exercise="normalise" mistake="changes the counts" hint="counts += alpha"
def normalise(counts, alpha=1.0):
    counts += alpha
    return counts / counts.sum(dim=1, keepdim=True)


# %% exercise="sample_next" mistake="returns a tensor" hint=".item()"
def sample_next(probs):
    return torch.multinomial(probs, num_samples=1)


# %% exercise="sample_next" mistake="returns a tensor of shape ()" hint="A tensor of shape ()"
def sample_next(probs):
    return torch.multinomial(probs, num_samples=1)[0]


# %% exercise="sample_next" mistake="draws evenly" hint="Draw by `probs`"
def sample_next(probs):
    return torch.randint(len(probs), (1,)).item()


# %% exercise="sample_next" mistake="softmax of probabilities" hint="no softmax"
def sample_next(probs):
    return torch.multinomial(torch.softmax(probs, dim=0), num_samples=1).item()


# %% exercise="sample_next" mistake="argmax instead of sampling" hint="(argmax) is not sampling"
def sample_next(probs):
    return probs.argmax().item()


# %% exercise="sample_next" mistake="the same seed in every call" hint="a fixed seed"
def sample_next(probs):
    torch.manual_seed(0)
    return torch.multinomial(probs, num_samples=1).item()


# %% exercise="generate" mistake="leaves out the start" hint="its first entry is `start`"
def generate(table, start, length):
    ids = []
    current = start
    for _ in range(length):
        current = sample_next(table[current])
        ids.append(current)
    return ids


# %% exercise="generate" mistake="one character too many" hint="`length` counts that entry"
def generate(table, start, length):
    ids = [start]
    for _ in range(length):
        ids.append(sample_next(table[ids[-1]]))
    return ids


# %% exercise="generate" mistake="returns a tensor" hint="The result is a list"
def generate(table, start, length):
    ids = [start]
    while len(ids) < length:
        ids.append(sample_next(table[ids[-1]]))
    return torch.tensor(ids)


# %% exercise="generate" mistake="always looks at the row of the start" hint="the latest character"
def generate(table, start, length):
    return [start] + [sample_next(table[start]) for _ in range(length - 1)]


# %% exercise="generate" mistake="looks at columns" hint="the row of the latest"
def generate(table, start, length):
    ids = [start]
    while len(ids) < length:
        ids.append(sample_next(table[:, ids[-1]]))
    return ids


# %% exercise="generate" mistake="takes the most likely" hint="(argmax) writes the same"
def generate(table, start, length):
    ids = [start]
    while len(ids) < length:
        ids.append(table[ids[-1]].argmax().item())
    return ids


# %% exercise="generate" mistake="a list of tensors" hint="no tensors"
def generate(table, start, length):
    ids = [torch.tensor(start)]
    while len(ids) < length:
        ids.append(torch.multinomial(table[ids[-1]], num_samples=1)[0])
    return ids


# %% exercise="generate" mistake="sets a seed" hint="A seed inside the function"
def generate(table, start, length):
    torch.manual_seed(0)
    ids = [start]
    while len(ids) < length:
        ids.append(sample_next(table[ids[-1]]))
    return ids


# %% exercise="nll" mistake="math.log of a tensor" hint="math.log that of one number"
def nll(table, ids):
    return -math.log(table[ids[:-1], ids[1:]]).mean()


# %% exercise="nll" mistake="forgets the mean" hint="one number, the mean"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log()


# %% exercise="nll" mistake="forgets the minus sign" hint="Mind the minus sign"
def nll(table, ids):
    return table[ids[:-1], ids[1:]].log().mean().item()


# %% exercise="nll" mistake="the sum in place of the mean" hint="not the sum"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log().sum().item()


# %% exercise="nll" mistake="divides by N" hint="not divided by N"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log().sum().item() / len(ids)


# %% exercise="nll" mistake="bits" hint="torch.log2 gives bits"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log2().mean().item()


# %% exercise="nll" mistake="perplexity" hint="not the perplexity"
def nll(table, ids):
    return (-table[ids[:-1], ids[1:]].log().mean()).exp().item()


# %% exercise="nll" mistake="the logarithm of the mean" hint="each pair's probability first"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].mean().log().item()


# %% exercise="nll" mistake="the logarithm of the product" hint="too small for a float32"
def nll(table, ids):
    p = table[ids[:-1], ids[1:]]
    return -p.prod().log() / len(p)


# %% exercise="nll" mistake="drops the last pair" hint="the last one too"
def nll(table, ids):
    return -table[ids[:-2], ids[1:-1]].log().mean().item()


# %% exercise="nll" mistake="rows and columns swapped" hint="The row is the first"
def nll(table, ids):
    return -table[ids[1:], ids[:-1]].log().mean().item()


# %% exercise="count_ngrams" mistake="contexts of up to n characters" hint="n counts the next"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(min(i, n) + 1):
            counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="only the longest contexts" hint="all of these lengths"
def count_ngrams(text, n):
    counts = {}
    for i in range(n - 1, len(text)):
        counts.setdefault(text[i - n + 1 : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="no empty context" hint="the empty context '' as well"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(1, n):
            if k <= i:
                counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="slices from before the start" hint="text[-1:0]"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(n):
            counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="shorter contexts near the start again" hint="Near the start"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(n):
            counts.setdefault(text[max(0, i - k) : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="begins where all lengths fit" hint="every character of the text"
def count_ngrams(text, n):
    counts = {}
    for i in range(n, len(text)):
        for k in range(n):
            counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="contexts from right to left" hint="in the order of the text"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            counts.setdefault(text[i - k : i][::-1], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="a new context has no Counter" hint="an empty Counter first"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            counts[text[i - k : i]][text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="plain dictionaries inside" hint="Give each new context a Counter"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            row = counts.setdefault(text[i - k : i], {})
            row[text[i]] = row.get(text[i], 0) + 1
    return counts


# %% exercise="ngram_backoff" mistake="stupid back-off" hint="even a context that was seen borrows"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    seen = counts.get(context, Counter())
    if seen[char]:
        return seen[char] / sum(seen.values())
    if not context:
        return 1 / V
    return 0.4 * ngram_backoff(counts, context[1:], char, V, borrow)


# %% exercise="ngram_backoff" mistake="forgets what is borrowed below" hint="borrow is added below"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    shorter = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, Counter())
    return (seen[char] + borrow * shorter) / sum(seen.values())


# %% exercise="ngram_backoff" mistake="adds borrow to every character" hint="borrow * 1/V is added above"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    if context not in counts:
        return ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts[context]
    return (seen[char] + borrow) / (sum(seen.values()) + borrow * V)


# %% exercise="ngram_backoff" mistake="an unknown context is an error" hint="counts['x'] fails"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    shorter = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts[context]
    return (seen[char] + borrow * shorter) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="an unknown context is even" hint="that of the shorter context"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    if context not in counts:
        return 1 / V
    shorter = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts[context]
    return (seen[char] + borrow * shorter) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="borrows evenly" hint="as the shorter context says"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    while context and context not in counts:
        context = context[1:]
    seen = counts.get(context, Counter())
    return (seen[char] + borrow / V) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="borrows only where it must" hint="Do not skip it"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    if context and context in counts:
        seen = counts[context]
        return seen[char] / sum(seen.values())
    if context:
        return ngram_backoff(counts, context[1:], char, V, borrow)
    seen = counts.get("", Counter())
    return (seen[char] + borrow / V) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="drops the last character" hint="drop its oldest character"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    shorter = ngram_backoff(counts, context[:-1], char, V, borrow) if context else 1 / V
    seen = counts.get(context, Counter())
    return (seen[char] + borrow * shorter) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="context[-0:] is everything" hint="context[-0:]"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = 1 / V
    for k in range(len(context) + 1):
        seen = counts.get(context[-k:], Counter())
        p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
    return p


# %% exercise="ngram_backoff" mistake="skips the empty context" hint="The empty context has counts"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = 1 / V
    for k in range(1, len(context) + 1):
        seen = counts.get(context[-k:], Counter())
        p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
    return p


# %% exercise="ngram_backoff" mistake="calls itself for ever" hint="must end at the empty context"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    seen = counts.get(context, Counter())
    p = ngram_backoff(counts, context[1:], char, V, borrow)
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="does not pass borrow on" hint="pass borrow on"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = ngram_backoff(counts, context[1:], char, V) if context else 1 / V
    seen = counts.get(context, Counter())
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="an empty dictionary for a new context" hint="has no 'a' either"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, {})
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="writes new contexts into the counts" hint="counts.setdefault"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.setdefault(context, Counter())
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="quiz" mistake="sums a perplexity up wrongly" hint="it is exp(loss)"
answer_1 = "b"
answer_2 = "a"
answer_3 = "c"
answer_4 = "a"
answer_5 = "c"
answer_6 = "b"

# %% exercise="quiz" mistake="reads the table the wrong way round" hint="which character is the row"
answer_1 = "c"
answer_2 = "b"
answer_3 = "c"
answer_4 = "a"
answer_5 = "c"
answer_6 = "b"
