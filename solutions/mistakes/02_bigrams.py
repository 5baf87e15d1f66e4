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


# %% exercise="count_bigrams" mistake="leaves out a character beside itself" hint="N - 1 pairs"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for first, second in pairwise(ids.tolist()):
        if first != second:
            counts[first, second] += 1
    return counts


# %% exercise="count_bigrams" mistake="double precision" hint="float32"
def count_bigrams(ids, V):
    places = ids[:-1] * V + ids[1:]
    return torch.bincount(places, minlength=V * V).reshape(V, V).double()


# %% exercise="count_bigrams" mistake="cuts the text into pairs" hint="N - 1 pairs"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for i in range(0, len(ids) - 1, 2):
        counts[ids[i], ids[i + 1]] += 1
    return counts


# %% exercise="count_bigrams" mistake="both directions" hint="N - 1 pairs"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for first, second in pairwise(ids.tolist()):
        counts[first, second] += 1
        counts[second, first] += 1
    return counts


# %% exercise="count_bigrams" right="a product of switches"
def count_bigrams(ids, V):
    hot = (ids.unsqueeze(1) == torch.arange(V)).float()
    return hot[:-1].T @ hot[1:]


# %% exercise="count_bigrams" right="adds at each place, places named twice"
def count_bigrams(ids, V):
    ones = torch.ones(len(ids) - 1)
    return torch.zeros(V, V).index_put_((ids[:-1], ids[1:]), ones, accumulate=True)


# %% exercise="count_bigrams" right="a Counter of pairs"
def count_bigrams(ids, V):
    pairs = Counter(pairwise(ids.tolist()))
    return torch.tensor([[float(pairs[i, j]) for j in range(V)] for i in range(V)])


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


# %% exercise="normalise" mistake="shares of each column, then of each row" hint="Divide each row"
def normalise(counts, alpha=1.0):
    smoothed = counts + alpha
    columns = smoothed / smoothed.sum(dim=0)
    return columns / columns.sum(dim=1, keepdim=True)


# %% exercise="normalise" mistake="softmax of the counts" hint="Divide each row"
def normalise(counts, alpha=1.0):
    return softmax(counts + alpha)


# %% exercise="normalise" mistake="double precision" hint="of float32"
def normalise(counts, alpha=1.0):
    smoothed = counts.double() + alpha
    return smoothed / smoothed.sum(dim=1, keepdim=True)


# %% exercise="normalise" right="row by row"
def normalise(counts, alpha=1.0):
    table = torch.empty(counts.shape)
    for row, known in zip(table, counts, strict=True):
        total = sum(known.tolist()) + alpha * len(known)
        row.copy_(known.add(alpha).div(total))
    return table


# %% exercise="normalise" right="torch's own, with the norm that adds up"
def normalise(counts, alpha=1.0):
    return torch.nn.functional.normalize(counts + alpha, p=1, dim=1)


# %% exercise="normalise" right="a product with a diagonal, in place on a copy"
def normalise(counts, alpha=1.0):
    smoothed = counts.clone()
    smoothed += alpha
    return torch.diag(1 / (smoothed @ torch.ones(len(smoothed)))) @ smoothed


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


# %% exercise="sample_next" mistake="draws among the possible ones, all alike" hint="as its probability says"
def sample_next(probs):
    return random.choice([i for i, p in enumerate(probs.tolist()) if p > 0])


# %% exercise="sample_next" mistake="counts from 1" hint="counted from 0"
def sample_next(probs):
    return torch.multinomial(probs, num_samples=1).item() + 1


# %% exercise="sample_next" mistake="gives the probability" hint="a plain int"
def sample_next(probs):
    return probs[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_next" right="Python's dice"
def sample_next(probs):
    return random.choices(range(len(probs)), weights=probs.tolist())[0]


# %% exercise="sample_next" right="goes along until the dice are used up"
def sample_next(probs):
    dice = random.random()
    for place, p in enumerate(probs.tolist()):
        dice -= p
        if p > 0 and dice < 0:
            return place
    return probs.argmax().item()


# %% exercise="sample_next" right="a race of waiting times"
def sample_next(probs):
    return int((torch.empty(len(probs)).exponential_() / probs).argmin())


# %% exercise="sample_next" right="a distribution object"
def sample_next(probs):
    return torch.distributions.Categorical(probs).sample().item()


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


# %% exercise="generate" mistake="calls itself" hint="too often for thousands"
def generate(table, start, length):
    if length == 1:
        return [start]
    return [start] + generate(table, sample_next(table[start]), length - 1)


# %% exercise="generate" mistake="draws without looking at probabilities" hint="the row of the latest"
def generate(table, start, length):
    return [start] + [random.randrange(len(table)) for _ in range(length - 1)]


# %% exercise="generate" mistake="returns only the last character" hint="The result is a list"
def generate(table, start, length):
    current = start
    for _ in range(length - 1):
        current = sample_next(table[current])
    return current


# %% exercise="generate" mistake="one character too few" hint="entries in all"
def generate(table, start, length):
    ids = [start]
    for _ in range(length - 2):
        ids.append(sample_next(table[ids[-1]]))
    return ids


# %% exercise="generate" right="accumulate"
def generate(table, start, length):
    from itertools import accumulate

    return list(
        accumulate(range(length - 1), lambda now, _: sample_next(table[now]), initial=start)
    )


# %% exercise="generate" right="a generator inside, and numpy"
def generate(table, start, length):
    import numpy as np

    def chain(current):
        while True:
            yield current
            row = np.cumsum(table[current].double().numpy())
            current = int(np.searchsorted(row / row[-1], np.random.random(), side="right"))

    steps = chain(start)
    return [next(steps) for _ in range(length)]


# %% exercise="generate" right="writes into a list of the full length"
def generate(table, start, length):
    ids = [start] * length
    for i in range(1, length):
        ids[i] = int(torch.multinomial(table[ids[i - 1]], 1))
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


# %% exercise="nll" mistake="the sum in place of the mean" hint="is the sum of the pairs"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log().sum().item()


# %% exercise="nll" mistake="divides by N" hint="that sum divided by N"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log().sum().item() / len(ids)


# %% exercise="nll" mistake="bits" hint="in bits, from log2"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log2().mean().item()


# %% exercise="nll" mistake="perplexity" hint="is the perplexity"
def nll(table, ids):
    return (-table[ids[:-1], ids[1:]].log().mean()).exp().item()


# %% exercise="nll" mistake="the logarithm of the mean" hint="take the logarithms first"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].mean().log().item()


# %% exercise="nll" mistake="the logarithm of the product" hint="too small for a float32"
def nll(table, ids):
    p = table[ids[:-1], ids[1:]]
    return -p.prod().log() / len(p)


# %% exercise="nll" mistake="drops the last pair" hint="so the last pair counts"
def nll(table, ids):
    return -table[ids[:-2], ids[1:-1]].log().mean().item()


# %% exercise="nll" mistake="rows and columns swapped" hint="row is the first of them"
def nll(table, ids):
    return -table[ids[1:], ids[:-1]].log().mean().item()


# %% exercise="nll" mistake="every row with every column" hint="takes pairs"
def nll(table, ids):
    return -table[ids[:-1]][:, ids[1:]].log().mean().item()


# %% exercise="nll" mistake="a wrong diagonal" hint="so the last pair counts"
def nll(table, ids):
    return -table[ids[:-1]][:, ids[1:]].log().diagonal(1).mean().item()


# %% exercise="nll" mistake="each character with itself" hint="row is the first of them"
def nll(table, ids):
    return -table[ids, ids].log().mean().item()


# %% exercise="nll" mistake="a tensor of shape (1,)" hint="a tensor of shape ()"
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log().mean(dim=0, keepdim=True)


# %% exercise="nll" mistake="each kind of pair once" hint="as often as it comes"
def nll(table, ids):
    pairs = set(pairwise(ids.tolist()))
    return sum(-math.log(table[i, j]) for i, j in pairs) / len(pairs)


# %% exercise="nll" right="a loop"
def nll(table, ids):
    pairs = list(pairwise(ids.tolist()))
    return math.fsum(-math.log(table[i, j]) for i, j in pairs) / len(pairs)


# %% exercise="nll" right="torch's loss, given logarithms"
def nll(table, ids):
    return torch.nn.functional.nll_loss(table.log()[ids[:-1]], ids[1:])


# %% exercise="nll" right="counts each kind of pair"
def nll(table, ids):
    V = len(table)
    times = torch.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)
    return -(times * table.log()).sum() / times.sum()


# %% exercise="nll" right="the right diagonal"
def nll(table, ids):
    return table.log()[ids[:-1]].T[ids[1:]].diagonal().mean().neg()


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


# %% exercise="count_ngrams" mistake="an empty row for the end of the text" hint="nothing came after the last"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text) + 1):
        for k in range(min(i, n - 1) + 1):
            row = counts.setdefault(text[i - k : i], Counter())
            if i < len(text):
                row[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="counts a context once" hint="every character of the"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            if text[i - k : i] not in counts:
                counts[text[i - k : i]] = Counter(text[i])
    return counts


# %% exercise="count_ngrams" mistake="a text shorter than n gives nothing" hint="longer than the text"
def count_ngrams(text, n):
    counts = {}
    if len(text) < n:
        return counts
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" mistake="counts the context with what follows" hint="the one right after the context"
def count_ngrams(text, n):
    counts = {}
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            counts.setdefault(text[i - k : i], Counter())[text[i - k : i + 1]] += 1
    return counts


# %% exercise="count_ngrams" mistake="strips the text" hint="capitals and line ends are"
def count_ngrams(text, n):
    counts = {}
    text = text.strip()
    for i in range(len(text)):
        for k in range(min(i, n - 1) + 1):
            counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="count_ngrams" right="length by length"
def count_ngrams(text, n):
    from collections import defaultdict

    counts = defaultdict(Counter)
    for k in range(n):
        for context, char in ((text[i : i + k], text[i + k]) for i in range(len(text) - k)):
            counts[context].update([char])
    return counts


# %% exercise="count_ngrams" right="stretches first, and a Counter of its own"
class Following(Counter):
    """What followed a context."""


def count_ngrams(text, n):
    stretches = Counter(
        text[i:j] for i in range(len(text)) for j in range(i + 1, min(i + n, len(text)) + 1)
    )
    counts = {stretch[:-1]: Following() for stretch in stretches}
    for stretch, times in stretches.items():
        counts[stretch[:-1]][stretch[-1]] = times
    return counts


# %% exercise="count_ngrams" right="calls itself for shorter contexts"
def count_ngrams(text, n):
    if n == 0:
        return {}
    counts = count_ngrams(text, n - 1)
    for i in range(n - 1, len(text)):
        counts.setdefault(text[i - n + 1 : i], Counter())[text[i]] += 1
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


# %% exercise="ngram_backoff" mistake="borrows only where it must" hint="do not skip it"
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


# %% exercise="ngram_backoff" mistake="an empty dictionary for a new context" hint="an empty Counter() answers 0"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, {})
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="writes new contexts into the counts" hint="counts.setdefault"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.setdefault(context, Counter())
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="reads two characters at most" hint="All of the context counts"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    context = context[-2:]
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, Counter())
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="borrow has another default" hint="borrow=1.0"
def ngram_backoff(counts, context, char, V, borrow=0.5):
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, Counter())
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="counts the different characters itself" hint="borrow * 1/V is added above"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    V = len(counts[""])
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, Counter())
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" mistake="a character that never came leaves it to the shorter context" hint="has the count 0"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    seen = counts.get(context, Counter())
    if char not in seen:
        return p
    return (seen[char] + borrow * p) / (sum(seen.values()) + borrow)


# %% exercise="ngram_backoff" right="stops at the first context that was never seen"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = 1 / V
    for length in range(len(context) + 1):
        seen = counts.get(context[len(context) - length :])
        if seen is None:
            break
        p = (seen[char] + borrow * p) / (seen.total() + borrow)
    return p


# %% exercise="ngram_backoff" right="from the longest context down, with what is left to share out"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p, left = 0.0, 1.0
    while True:
        seen = counts.get(context, {})
        total = sum(seen.values())
        p += left * seen.get(char, 0) / (total + borrow)
        left *= borrow / (total + borrow)
        if not context:
            return p + left / V
        context = context[1:]


# %% exercise="ngram_backoff" right="a fold over the tails"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    from functools import reduce

    def step(p, tail):
        row = counts[tail] if tail in counts else Counter()
        return (row[char] + borrow * p) / (sum(row.values()) + borrow)

    return reduce(step, (context[cut:] for cut in reversed(range(len(context) + 1))), 1 / V)


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


# %% exercise="count_bigrams" mistake="numbers the pairs in the text itself" hint="a part of the caller's own tensor"
def count_bigrams(ids, V):
    second = ids[1:].clone()
    places = ids[:-1]
    places *= V
    places += second
    return torch.bincount(places, minlength=V * V).reshape(V, V).float()


# %% exercise="count_bigrams" mistake="counts in bytes" hint="uint8"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V, dtype=torch.uint8)
    for first, second in pairwise(ids.tolist()):
        counts[first, second] += 1
    return counts.float()


# %% exercise="sample_next" mistake="a bag of ten, with each character as often as rounding says" hint="do not round"
def sample_next(probs):
    bag = [i for i, p in enumerate(probs.tolist()) for _ in range(round(10 * p))]
    return random.choice(bag)


# %% exercise="nll" mistake="takes the logarithms in place" hint="changes the caller's own table"
def nll(table, ids):
    return -table.log_()[ids[:-1], ids[1:]].mean()


# %% exercise="count_ngrams" mistake="makes capitals small" hint="capitals and line ends"
def count_ngrams(text, n):
    text = text.lower()
    counts = {}
    for i in range(len(text)):
        for k in range(min(n - 1, i) + 1):
            counts.setdefault(text[i - k : i], Counter())[text[i]] += 1
    return counts


# %% exercise="ngram_backoff" mistake="writes characters that never came into the counts" hint="a new character"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = 1 / V
    for cut in range(len(context), -1, -1):
        if context[cut:] in counts:
            seen = counts[context[cut:]]
            seen[char] += 0
            p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
    return p


# %% exercise="ngram_backoff" mistake="borrows whole characters only" hint="borrow * 1/V is added above"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p, borrow = 1 / V, max(int(borrow), 1)
    for cut in range(len(context), -1, -1):
        seen = counts.get(context[cut:], Counter())
        p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
    return p


# %% exercise="ngram_backoff" right="fractions"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    from fractions import Fraction

    p, borrow = Fraction(1, V), Fraction(borrow)
    for cut in reversed(range(len(context) + 1)):
        seen = counts[context[cut:]] if context[cut:] in counts else Counter()
        p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
    return float(p)


# %% exercise="count_bigrams" mistake="forgets to return" hint="is a `return` missing?"
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for first, second in pairwise(ids.tolist()):
        counts[first, second] += 1


# %% exercise="sample_next" mistake="forgets to return" hint="is a `return` missing?"
def sample_next(probs):
    torch.multinomial(probs, num_samples=1).item()


# %% exercise="generate" mistake="forgets to return" hint="is a `return` missing?"
def generate(table, start, length):
    ids = [start]
    while len(ids) < length:
        ids.append(sample_next(table[ids[-1]]))


# %% exercise="ngram_backoff" mistake="forgets to return" hint="is a `return` missing?"
def ngram_backoff(counts, context, char, V, borrow=1.0):
    p = 1 / V
    for cut in range(len(context), -1, -1):
        seen = counts.get(context[cut:], Counter())
        p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
