# %% exercise="cross_entropy" mistake="forgets the mean" hint="the mean over the B rows"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets]


# %% exercise="cross_entropy" mistake="forgets keepdim" hint="keepdim=True"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1).values
    logprobs = shifted - shifted.exp().sum(dim=1).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="forgets .values" hint="take .values"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True)
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="forgets the minus sign" hint="Mind the minus sign"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="the sum in place of the mean" hint="not the sum"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].sum()


# %% exercise="cross_entropy" mistake="takes logits for log probabilities" hint="minus the logarithm"
def cross_entropy(logits, targets):
    return -logits[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="the mean over all places" hint="take the mean over B"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -(one_hot(targets, logits.shape[1]) * logprobs).mean()


# %% exercise="cross_entropy" mistake="bits" hint="Natural logarithms"
def cross_entropy(logits, targets):
    probs = softmax(logits)[torch.arange(len(targets)), targets]
    return -probs.log2().mean()


# %% exercise="cross_entropy" mistake="softmax over the wrong axis" hint="not along dim=0"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=0, keepdim=True).values
    positive = shifted.exp()
    probs = positive / positive.sum(dim=0, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean()


# %% exercise="cross_entropy" mistake="picks all pairs of rows and targets" hint="with column targets[i]"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[:, targets].mean()


# %% exercise="cross_entropy" mistake="the logarithm of the mean" hint="the logarithms before the mean"
def cross_entropy(logits, targets):
    return -softmax(logits)[torch.arange(len(targets)), targets].mean().log()


# %% exercise="cross_entropy" mistake="exp before subtracting the largest" hint="before any exp"
def cross_entropy(logits, targets):
    logprobs = logits - logits.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="the logarithm of softmax" hint="no logarithm of a softmax"
def cross_entropy(logits, targets):
    return -softmax(logits)[torch.arange(len(targets)), targets].log().mean()


# %% exercise="cross_entropy" mistake="adds a little before the logarithm" hint="no logarithm of a softmax"
def cross_entropy(logits, targets):
    return -(softmax(logits)[torch.arange(len(targets)), targets] + 1e-9).log().mean()


# %% exercise="cross_entropy" mistake="subtracts the largest of all" hint="not the largest of all"
def cross_entropy(logits, targets):
    shifted = logits - logits.max()
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="changes the logits" hint="changes the caller's own tensor"
def cross_entropy(logits, targets):
    logits -= logits.max(dim=1, keepdim=True).values
    logprobs = logits - logits.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="cuts the result off" hint="cut it off"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean().item()


# %% exercise="cross_entropy" mistake="subtracts in place" hint="Leave the caller's tensors"
def cross_entropy(logits, targets):
    with torch.no_grad():
        logits -= logits.max(dim=1, keepdim=True).values
    logprobs = logits - logits.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="a tensor of one number" hint="shape (), not (1,)"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean(dim=0, keepdim=True)


# %% exercise="cross_entropy" mistake="keeps the logits within a range" hint="any other limit"
def cross_entropy(logits, targets):
    kept = logits.clamp(-80, 80)
    logprobs = kept - kept.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="forgets to add the largest back" hint="minus the logarithm"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = logits - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="cuts the target's logit off" hint="cut it off"
def cross_entropy(logits, targets):
    largest = logits.max(dim=1).values
    total = largest + (logits - largest[:, None]).exp().sum(dim=1).log()
    picked = torch.tensor([row[i].item() for row, i in zip(logits, targets, strict=True)])
    return (total - picked).mean()


# %% exercise="cross_entropy" mistake="one sum for all rows" hint="each row alone"
def cross_entropy(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum().log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" mistake="subtracts the largest size" hint="also where it is negative"
def cross_entropy(logits, targets):
    shifted = logits - logits.abs().max(dim=1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="cross_entropy" right="adds up the row two at a time"
def cross_entropy(logits, targets):
    total = logits[:, 0]
    for column in logits.unbind(dim=1)[1:]:
        total = torch.logaddexp(total, column)
    return (total - logits.gather(1, targets.unsqueeze(1)).squeeze(1)).mean()


# %% exercise="cross_entropy" right="row by row, with a matrix of one-hot rows"
def cross_entropy(logits, targets):
    surprises = []
    for row, wanted in zip(logits, one_hot(targets, logits.shape[1]), strict=True):
        shifted = row - row.max()
        surprises.append(shifted.exp().sum().log() - shifted @ wanted)
    return torch.stack(surprises).mean()


# %% exercise="cross_entropy" right="how far each logit lies above the target's, in float64"
def cross_entropy(logits, targets):
    above = (logits - torch.take_along_dim(logits, targets[:, None], dim=1)).double()
    largest = above.amax(dim=1)
    return (largest + (above - largest[:, None]).exp().sum(dim=1).log()).mean()


# %% exercise="cross_entropy" mistake="a softmax before it" hint="no softmax before that"
def cross_entropy(logits, targets):
    probs = softmax(logits)
    logprobs = probs - probs.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% exercise="text_loss" mistake="targets not shifted" hint="to the right of it"
def text_loss(logits, ids):
    return cross_entropy(logits[ids], ids)


# %% exercise="text_loss" mistake="shifted the wrong way" hint="that of the input"
def text_loss(logits, ids):
    return cross_entropy(logits[ids[1:]], ids[:-1])


# %% exercise="text_loss" mistake="joins the end to the start" hint="has nothing to its right"
def text_loss(logits, ids):
    return cross_entropy(logits[ids], torch.roll(ids, -1))


# %% exercise="text_loss" mistake="softmax twice" hint="no softmax before it"
def text_loss(logits, ids):
    return cross_entropy(softmax(logits)[ids[:-1]], ids[1:])


# %% exercise="text_loss" mistake="columns in place of rows" hint="that of the input"
def text_loss(logits, ids):
    return cross_entropy(logits.T[ids[:-1]], ids[1:])


# %% exercise="text_loss" mistake="drops the last pair" hint="The last pair counts too"
def text_loss(logits, ids):
    return cross_entropy(logits[ids[:-2]], ids[1:-1])


# %% exercise="text_loss" mistake="nll of a softmax" hint="Hand the logits themselves"
def text_loss(logits, ids):
    return nll(softmax(logits), ids)


# %% exercise="text_loss" mistake="cuts the result off" hint="as it is: .item()"
def text_loss(logits, ids):
    return cross_entropy(logits[ids[:-1]], ids[1:]).item()


# %% exercise="text_loss" mistake="the sum over the text" hint="The mean over the N - 1 pairs"
def text_loss(logits, ids):
    return cross_entropy(logits[ids[:-1]], ids[1:]) * (len(ids) - 1)


# %% exercise="text_loss" mistake="divides by the length of the text" hint="over the N - 1 pairs"
def text_loss(logits, ids):
    return cross_entropy(logits[ids[:-1]], ids[1:]) * (len(ids) - 1) / len(ids)


# %% exercise="text_loss" mistake="each different pair once" hint="every pair counts"
def text_loss(logits, ids):
    pairs = torch.stack([ids[:-1], ids[1:]]).unique(dim=1)
    return cross_entropy(logits[pairs[0]], pairs[1])


# %% exercise="text_loss" right="by the counts of its pairs"
def text_loss(logits, ids):
    return table_loss(logits, count_bigrams(ids, len(logits)))


# %% exercise="text_loss" right="pair by pair"
def text_loss(logits, ids):
    losses = [cross_entropy(logits[a : a + 1], b.reshape(1)) for a, b in zip(ids, ids[1:])]
    return torch.stack(losses).mean()


# %% exercise="text_loss" right="multiplies by one-hot rows, and leaves the last one out"
def text_loss(logits, ids):
    rows = one_hot(ids, logits.shape[0]) @ logits
    return torch.nn.functional.cross_entropy(rows[:-1], ids.roll(-1)[:-1])


# %% exercise="text_loss" mistake="rows by the place in the text" hint="whatever its place in the text"
def text_loss(logits, ids):
    return cross_entropy(logits[: len(ids) - 1], ids[1:])


# %% exercise="grad_logits" mistake="only the targets' slopes" hint="one slope for each logit"
def grad_logits(logits, targets):
    B = len(targets)
    return (softmax(logits)[torch.arange(B), targets] - 1) / B


# %% exercise="grad_logits" mistake="V is the number of rows" hint="V = logits.shape[1]"
def grad_logits(logits, targets):
    return (softmax(logits) - one_hot(targets, len(logits))) / len(logits)


# %% exercise="grad_logits" mistake="the wrong sign" hint="in this order"
def grad_logits(logits, targets):
    B, V = logits.shape
    return (one_hot(targets, V) - softmax(logits)) / B


# %% exercise="grad_logits" mistake="forgets one-hot" hint="minus one-hot"
def grad_logits(logits, targets):
    return softmax(logits) / len(logits)


# %% exercise="grad_logits" mistake="softmax over the wrong axis" hint="the last dim"
def grad_logits(logits, targets):
    B, V = logits.shape
    return (softmax(logits.T).T - one_hot(targets, V)) / B


# %% exercise="grad_logits" mistake="subtracts 1 in whole columns" hint="own target"
def grad_logits(logits, targets):
    slopes = softmax(logits)
    slopes[:, targets] -= 1
    return slopes / len(logits)


# %% exercise="grad_logits" mistake="not divided by B" hint="divided by B"
def grad_logits(logits, targets):
    B, V = logits.shape
    return softmax(logits) - one_hot(targets, V)


# %% exercise="grad_logits" mistake="divided by V" hint="not by V"
def grad_logits(logits, targets):
    B, V = logits.shape
    return (softmax(logits) - one_hot(targets, V)) / V


# %% exercise="grad_logits" mistake="divided by all places" hint="not by B * V"
def grad_logits(logits, targets):
    B, V = logits.shape
    return (softmax(logits) - one_hot(targets, V)) / logits.numel()


# %% exercise="grad_logits" mistake="changes the logits" hint="changes the caller's own tensor"
def grad_logits(logits, targets):
    B, V = logits.shape
    logits -= logits.max(dim=1, keepdim=True).values
    return (softmax(logits) - one_hot(targets, V)) / B


# %% exercise="grad_logits" mistake="V is the largest target" hint="V = logits.shape[1]"
def grad_logits(logits, targets):
    hot = torch.nn.functional.one_hot(targets)
    return (softmax(logits) - hot) / len(logits)


# %% exercise="grad_logits" mistake="V of the fables" hint="V = logits.shape[1]"
def grad_logits(logits, targets):
    return (softmax(logits) - one_hot(targets, 64)) / len(logits)


# %% exercise="grad_logits" mistake="the logits in place of their probabilities" hint="Softmax minus one-hot"
def grad_logits(logits, targets):
    B, V = logits.shape
    return (logits - one_hot(targets, V)) / B


# %% exercise="grad_logits" mistake="a softmax that overflows" hint="the largest logit"
def grad_logits(logits, targets):
    B, V = logits.shape
    positive = logits.exp()
    return (positive / positive.sum(dim=1, keepdim=True) - one_hot(targets, V)) / B


# %% exercise="grad_logits" mistake="only divides softmax" hint="both parts"
def grad_logits(logits, targets):
    B, V = logits.shape
    return softmax(logits) / B - one_hot(targets, V)


# %% exercise="grad_logits" mistake="takes 1 off the logits" hint="changes the caller's own"
def grad_logits(logits, targets):
    slopes = logits
    slopes[:] = softmax(logits)
    slopes[torch.arange(len(targets)), targets] -= 1
    return slopes / len(targets)


# %% exercise="grad_logits" right="takes 1 off at each target, in a tensor of its own"
def grad_logits(logits, targets):
    slopes = softmax(logits)
    slopes[torch.arange(len(targets)), targets] -= 1
    return slopes.div_(len(targets))


# %% exercise="grad_logits" right="number by number"
def grad_logits(logits, targets):
    B, V = logits.shape
    slopes = torch.empty(B, V)
    for i in range(B):
        largest = max(logits[i].tolist())
        powers = [math.exp(x - largest) for x in logits[i].tolist()]
        for j in range(V):
            slopes[i, j] = (powers[j] / math.fsum(powers) - (j == targets[i].item())) / B
    return slopes


# %% exercise="grad_logits" right="scatters minus one"
def grad_logits(logits, targets):
    minus = torch.full((len(targets), 1), -1.0)
    return torch.softmax(logits, dim=-1).scatter_add(1, targets.view(-1, 1), minus) / len(logits)


# %% exercise="grad_logits" mistake="only divides one-hot" hint="not one-hot alone"
def grad_logits(logits, targets):
    return softmax(logits) - one_hot(targets, logits.shape[1]) / len(logits)


# %% exercise="backward_add_mul" mistake="adds Values, not numbers" hint="ask for their .data"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self + other, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        return Value(self * other, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="the slopes of a sum are its numbers" hint="both slopes are 1"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        data = self.data + other.data
        return Value(data, parents=(self, other), slopes=(self.data, other.data))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="each factor gets its own number" hint="not its own"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(self.data, other.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="slopes are Values" hint="Slopes are plain numbers"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, parents=(self, other), slopes=(other, self))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="forgets its own grad" hint="pass on slope * self.grad"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope


# %% exercise="backward_add_mul" mistake="= in place of +=" hint="parent.grad += ..."
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad = slope * self.grad


# %% exercise="backward_add_mul" mistake="passes to itself" hint="not to its own"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            self.grad += slope * parent.grad


# %% exercise="backward_add_mul" mistake="two parents always" hint="however many there are"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        left, right = self.parents
        left.grad += self.slopes[0] * self.grad
        right.grad += self.slopes[1] * self.grad


# %% exercise="backward_add_mul" mistake="adds its own grad" hint="slope * self.grad to parent.grad"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope + self.grad


# %% exercise="backward_add_mul" mistake="sets its own grad" hint="keeps its own grad"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        data = self.data * other.data
        return Value(data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        self.grad = 1.0
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="adds to itself" hint="Make a new Value"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        self.data += other.data
        return Value(self.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="multiplies itself and returns itself" hint="Make a new Value"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        self.slopes, self.parents = (other.data, self.data), (Value(self.data), other)
        self.data *= other.data
        return self

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="forgets the parents" hint="parents=(self, other)"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data)

    def __mul__(self, other):
        return Value(self.data * other.data)

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="one slope for both parents" hint="one for each parent"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0,))

    def __mul__(self, other):
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="slopes of a sum are tensors" hint="Slopes are plain numbers"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(Value(1.0), Value(1.0)))

    def __mul__(self, other):
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


# %% exercise="backward_add_mul" mistake="gives the grads while it multiplies" hint="only pass_back"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        self.grad += 1.0
        other.grad += 1.0
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        self.grad += other.data
        other.grad += self.data
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad = slope * self.grad


# %% exercise="backward_add_mul" mistake="clears its grad once it has passed it on" hint="keeps its own grad"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad
        self.grad = 0.0


# %% exercise="backward_add_mul" mistake="lets its parents pass back too" hint="goes no further"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def pass_back(self):
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad
            parent.pass_back()


# %% exercise="backward_add_mul" right="lists, an index, and methods that are bound late"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0


def _unary(function, slope):
    return lambda self: Value(function(self.data), [self], [slope(self.data)])


def _binary(function, *slopes):
    def method(self, other):
        made = Value(function(self.data, other.data))
        made.parents = [self, other]
        made.slopes = [slope(self.data, other.data) for slope in slopes]
        return made

    return method


def _pass_back(self):
    for i in range(len(self.parents)):
        self.parents[i].grad = self.parents[i].grad + self.grad * self.slopes[i]
    return self


Value.exp = _unary(math.exp, math.exp)
Value.log = _unary(math.log, lambda x: x**-1)
Value.__add__ = _binary(lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1)
Value.__mul__ = _binary(lambda a, b: a * b, lambda a, b: b, lambda a, b: a)
Value.pass_back = _pass_back


# %% exercise="backward_add_mul" right="numbers of torch in float64, passed back by recursion"
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def exp(self):
        return Value(math.exp(self.data), (self,), (math.exp(self.data),))

    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def __add__(self, other):
        return self._of(torch.add, other)

    def __mul__(self, other):
        return self._of(torch.mul, other)

    def _of(self, function, other):
        both = [
            torch.tensor(v.data, dtype=torch.float64, requires_grad=True) for v in (self, other)
        ]
        result = function(*both)
        result.backward()
        return Value(result.item(), (self, other), tuple(leaf.grad.item() for leaf in both))

    def pass_back(self, start=0):
        if start < len(self.parents):
            self.parents[start].grad += self.slopes[start] * self.grad
            self.pass_back(start + 1)


# %% exercise="backward" mistake="the result has no grad" hint="Set result.grad = 1.0"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="passes back before it has a grad" hint="must be there before"
def backward(result):
    result.pass_back()
    result.grad = 1.0


# %% exercise="backward" mistake="stops at the result's parents" hint="Do not stop at"
def backward(result):
    result.grad = 1.0
    result.pass_back()
    for parent in result.parents:
        parent.pass_back()


# %% exercise="backward" mistake="goes through the list forward" hint="go through the order backward"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in order:
        value.pass_back()


# %% exercise="backward" mistake="passes back along every path" hint="passes back once"
def backward(result):
    result.grad = 1.0

    def visit(value):
        value.pass_back()
        for parent in value.parents:
            visit(parent)

    visit(result)


# %% exercise="backward" mistake="lists a Value for each path" hint="passes back once"
def backward(result):
    order = []

    def visit(value):
        for parent in value.parents:
            visit(parent)
        order.append(value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="the Value before its parents" hint="c must wait until d"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            order.append(value)
            for parent in value.parents:
                visit(parent)

    visit(result)
    result.grad = 1.0
    for value in order:
        value.pass_back()


# %% exercise="backward" mistake="level by level" hint="c must wait until d"
def backward(result):
    order = [result]
    for value in order:
        for parent in value.parents:
            if parent not in order:
                order.append(parent)
    result.grad = 1.0
    for value in order:
        value.pass_back()


# %% exercise="backward" mistake="level by level, from the right" hint="whichever order"
def backward(result):
    order = [result]
    for value in order:
        for parent in reversed(value.parents):
            if parent not in order:
                order.append(parent)
    result.grad = 1.0
    for value in order:
        value.pass_back()


# %% exercise="backward" mistake="goes over what reverse returns" hint="use reversed(order)"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in order.reverse():
        value.pass_back()


# %% exercise="backward" mistake="never calls the function" hint="called, for result"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    result.grad = 1.0
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="a list that outlives the call" hint="make it inside backward"
order = []


def backward(result):
    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="marks the Values that it has seen" hint="Each call begins"
def backward(result):
    order = []

    def visit(value):
        if not hasattr(value, "seen"):
            value.seen = True
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="remembers numbers, not Values" hint="not its number"
def backward(result):
    order, seen = [], set()

    def visit(value):
        if value.data not in seen:
            seen.add(value.data)
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="remembers parents and slopes" hint="not its number"
def backward(result):
    order = {}

    def visit(value):
        for parent in value.parents:
            visit(parent)
        order.setdefault((value.data, len(value.parents), tuple(value.slopes)), value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order.values()):
        value.pass_back()


# %% exercise="backward" mistake="a default list" hint="make it inside backward"
def backward(result, order=[]):
    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="works out the slopes itself" hint="call pass_back"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0
    for value in reversed(order):
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            parent.grad += slope * value.grad


# %% exercise="backward" mistake="a tensor for the result's grad" hint="a plain number"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = torch.tensor(1.0)
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="a grad of 1 for all" hint="only the result's grad"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)
        value.grad = 1.0

    visit(result)
    for value in reversed(order):
        value.pass_back()


# %% exercise="backward" mistake="follows the first parent only" hint="each of the parents"
def backward(result):
    result.grad = 1.0
    while True:
        result.pass_back()
        if not result.parents:
            return
        result = result.parents[0]


# %% exercise="backward" mistake="sorts by size" hint="goes first"
def backward(result):
    order = []

    def visit(value):
        if value not in order:
            order.append(value)
            for parent in value.parents:
                visit(parent)

    visit(result)
    result.grad = 1.0
    for value in sorted(order, key=lambda value: -value.data):
        value.pass_back()


# %% exercise="backward" right="counts who still waits, and passes no leaf"
def backward(result):
    waiting, found = {}, [result]
    for value in found:
        for parent in value.parents:
            if id(parent) not in waiting:
                found.append(parent)
            waiting[id(parent)] = waiting.get(id(parent), 0) + 1
    result.grad, turns = 1.0, [result]
    while turns:
        value = turns.pop()
        if value.parents:
            value.pass_back()
        for parent in value.parents:
            waiting[id(parent)] -= 1
            if waiting[id(parent)] == 0:
                turns.append(parent)


# %% exercise="backward" right="a stack of its own, no recursion"
def backward(result):
    order, stack = {}, [(result, iter(result.parents))]
    started = {id(result)}
    while stack:
        value, parents = stack[-1]
        for parent in parents:
            if id(parent) not in started:
                started.add(id(parent))
                stack.append((parent, iter(parent.parents)))
                break
        else:
            order[id(stack.pop()[0])] = value
    result.grad += 1
    while order:
        order.popitem()[1].pass_back()


# %% exercise="backward" right="a sorter from Python's library"
def backward(result):
    from graphlib import TopologicalSorter

    graph, stack = {}, [result]
    while stack:
        value = stack.pop()
        if value not in graph:
            graph[value] = value.parents
            stack.extend(value.parents)
    for value in graph:
        value.grad = float(value is result)
    for value in reversed(list(TopologicalSorter(graph).static_order())):
        value.pass_back()


# %% exercise="backward" right="the longest way to the result says whose turn it is"
def backward(result):
    result.grad = 1.0
    depth = {result: 0}
    changed = True
    while changed:
        changed = False
        for value in list(depth):
            for parent in value.parents:
                if depth.get(parent, -1) <= depth[value]:
                    depth[parent] = depth[value] + 1
                    changed = True
    for value in sorted(depth, key=depth.get):
        value.pass_back()


# %% exercise="backward" right="graphlib finds the order"
def backward(result):
    import graphlib

    values, rest = {id(result): result}, [result]
    while rest:
        for parent in rest.pop().parents:
            if id(parent) not in values:
                values[id(parent)] = parent
                rest.append(parent)
    needs = {place: [id(parent) for parent in value.parents] for place, value in values.items()}
    result.grad = 1.0
    for place in reversed(list(graphlib.TopologicalSorter(needs).static_order())):
        values[place].pass_back()


# %% exercise="sgd_step" mistake="makes a new tensor" hint="makes a new one"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter = parameter - lr * parameter.grad
            parameter.grad = None


# %% exercise="sgd_step" mistake="puts a new tensor into the list" hint="Change the tensor itself"
def sgd_step(parameters, lr):
    for i, parameter in enumerate(parameters):
        parameters[i] = (parameter - lr * parameter.grad).detach().requires_grad_()


# %% exercise="sgd_step" mistake="forgets no_grad" hint="under torch.no_grad()"
def sgd_step(parameters, lr):
    for parameter in parameters:
        parameter -= lr * parameter.grad
        parameter.grad = None


# %% exercise="sgd_step" mistake="clears before the step" hint="before you clear it"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter.grad.zero_()
            parameter -= lr * parameter.grad


# %% exercise="sgd_step" mistake="uphill" hint="plus goes uphill"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter += lr * parameter.grad
            parameter.grad = None


# %% exercise="sgd_step" mistake="forgets the learning rate" hint="lr times the slope"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= parameter.grad
            parameter.grad = None


# %% exercise="sgd_step" mistake="only the sign of the slope" hint="lr times the slope"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad.sign()
            parameter.grad = None


# %% exercise="sgd_step" mistake="returns after the first" hint="every parameter of the list"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad
            parameter.grad = None
            return


# %% exercise="sgd_step" mistake="does not clear the gradients" hint="Clear each gradient"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad


# %% exercise="sgd_step" mistake="clears another list's gradients" hint="Clear each gradient"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad
    parameters.clear()


# %% exercise="sgd_step" mistake="takes a plain number only" hint="write lr * parameter.grad"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter.sub_(parameter.grad, alpha=lr)
            parameter.grad = None


# %% exercise="sgd_step" mistake="clears the first gradient only" hint="Clear each gradient"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad
        parameters[0].grad = None


# %% exercise="sgd_step" mistake="every parameter by the first one's slopes" hint="its own gradient"
def sgd_step(parameters, lr):
    with torch.no_grad():
        grad = parameters[0].grad
        for parameter in parameters:
            parameter -= lr * grad
            parameter.grad = None


# %% exercise="sgd_step" mistake="steps along the direction only" hint="lr times the slope"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad / parameter.grad.norm()
            parameter.grad = None


# %% exercise="sgd_step" mistake="stops requiring gradients" hint="still require gradients"
def sgd_step(parameters, lr):
    for parameter in parameters:
        parameter.requires_grad_(False)
        parameter -= lr * parameter.grad
        parameter.grad = None


# %% exercise="sgd_step" mistake="a rate of shape (V, 1) by its numbers" hint="stretches"
def sgd_step(parameters, lr):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= float(lr) * parameter.grad
            parameter.grad = None


# %% exercise="sgd_step" right="copies the new numbers into the old tensor"
def sgd_step(parameters, lr):
    for parameter in parameters:
        moved = parameter.detach() - lr * parameter.grad
        parameter.grad = torch.zeros_like(parameter)
        parameter.data.copy_(moved)


# %% exercise="sgd_step" right="all at once"
@torch.no_grad()
def sgd_step(parameters, lr):
    torch._foreach_sub_(parameters, [lr * parameter.grad for parameter in parameters])
    for parameter in parameters:
        parameter.grad = None


# %% exercise="sgd_step" right="an optimiser of torch, fed with slopes times lr"
def sgd_step(parameters, lr):
    optimiser = torch.optim.SGD(parameters, lr=1.0)
    for parameter in parameters:
        parameter.grad = lr * parameter.grad
    optimiser.step()
    optimiser.zero_grad()


# %% exercise="sgd_step" right="through a view that requires no gradients"
def sgd_step(parameters, lr):
    for parameter in parameters:
        parameter.detach().add_(-lr * parameter.grad)
        del parameter.grad


# %% exercise="sgd_step" mistake="switches torch's notes off for good" hint="which ends by itself"
def sgd_step(parameters, lr):
    torch.set_grad_enabled(False)
    for parameter in parameters:
        parameter -= lr * parameter.grad
        parameter.grad = None


# %% exercise="sgd_step" mistake="switches torch's notes on in the end" hint="As before the call"
def sgd_step(parameters, lr):
    torch.set_grad_enabled(False)
    for parameter in parameters:
        parameter -= lr * parameter.grad
        parameter.grad = None
    torch.set_grad_enabled(True)


# %% exercise="train_bigram" mistake="returns only the logits" hint="Return two things"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    for _ in range(steps):
        table_loss(logits, counts).backward()
        sgd_step([logits], lr)
    return logits.detach()


# %% exercise="train_bigram" mistake="starts anywhere" hint="begin as zeros"
def train_bigram(counts, steps, lr):
    logits = torch.randn(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="returns probabilities" hint="no softmax"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return softmax(logits.detach()), losses


# %% exercise="train_bigram" mistake="does not detach" hint="logits.detach()"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits, losses


# %% exercise="train_bigram" mistake="keeps the losses as tensors" hint="loss.item()"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss)
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="forgets requires_grad" hint="requires_grad=True"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="forgets backward" hint="backward comes before the step"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="computes the loss once" hint="made inside the loop"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    loss = table_loss(logits, counts)
    losses = []
    for _ in range(steps):
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="notes the loss after the step" hint="as it was before its step"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        table_loss(logits, counts).backward()
        sgd_step([logits], lr)
        losses.append(table_loss(logits, counts).item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="never steps" hint="sgd_step([logits], lr)"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="reads the counts the wrong way round" hint="as they are"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, (counts + 1).T)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="starts again in every step" hint="made once, before the loop"
def train_bigram(counts, steps, lr):
    logits, losses = torch.zeros(counts.shape), []
    for _ in range(steps):
        logits = torch.zeros(counts.shape, requires_grad=True)
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="gradients not cleared" hint="the gradient is cleared"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        with torch.no_grad():
            logits -= lr * logits.grad
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="divides the counts in place" hint="counts stay as they were"
def train_bigram(counts, steps, lr):
    counts /= counts.sum()
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="smooths the counts" hint="`counts` as they are"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts + 1)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="one step too many" hint="`steps` times"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps + 1):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="only the last loss" hint="one loss for each step"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses = [loss.item()]
    return logits.detach(), losses


# %% exercise="train_bigram" mistake="the other way round" hint="first the logits"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], lr)
        losses.append(loss.item())
    return losses, logits.detach()


# %% exercise="train_bigram" mistake="a rate of its own" hint="by `lr`"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        sgd_step([logits], 0.1)
        losses.append(loss.item())
    return logits.detach(), losses


# %% exercise="train_bigram" right="slopes by the formula, no autograd"
def train_bigram(counts, steps, lr):
    logits, losses = torch.zeros_like(counts), []
    share = counts.sum(dim=1, keepdim=True) / counts.sum()
    while len(losses) < steps:
        losses.append(float(table_loss(logits, counts)))
        logits = logits - lr * (share * softmax(logits) - counts / counts.sum())
    return logits, losses


# %% exercise="train_bigram" right="each step by a function that calls itself"
def train_bigram(counts, steps, lr):
    def go(logits, left):
        if left == 0:
            return logits, []
        logits = logits.clone().requires_grad_()
        loss = table_loss(logits, counts)
        (slopes,) = torch.autograd.grad(loss, logits)
        after, losses = go(logits.detach() - lr * slopes, left - 1)
        return after, [loss.item(), *losses]

    return go(torch.zeros(len(counts), len(counts)), steps)


# %% exercise="train_bigram" right="remembers the tensors, and makes numbers of them at the end"
def train_bigram(counts, steps, lr):
    logits = torch.nn.Parameter(torch.zeros_like(counts))

    def descent():
        for _ in range(steps):
            loss = table_loss(logits, counts)
            loss.backward()
            yield loss.detach()
            sgd_step([logits], lr)

    losses = torch.tensor(list(descent())).tolist()
    return [logits.data, losses]


# %% exercise="train_bigram" mistake="needs the last loss after the loop" hint="use none after it"
def train_bigram(counts, steps, lr):
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()
        losses.append(loss.item())
        sgd_step([logits], lr)
    print(f"the last loss: {loss:.3f}")
    return logits.detach(), losses


# %% exercise="train_bigram" right="by the formula of the gradient, without autograd"
def train_bigram(counts, steps, lr):
    pairs = counts / counts.sum()
    logits, losses = torch.zeros(counts.shape), []
    while len(losses) < steps:
        losses.append(table_loss(logits, counts).item())
        logits = logits - lr * (pairs.sum(dim=1, keepdim=True) * softmax(logits) - pairs)
    return [logits, losses]


# %% exercise="quiz" mistake="forgets the one-hot" hint="What is the softmax of four"
answer_1 = "a"
answer_2 = "b"
answer_3 = "a"
answer_4 = "c"
answer_5 = "a"
answer_6 = "c"


# %% exercise="quiz" mistake="takes zero slopes for zero loss" hint="the first of the two facts"
answer_1 = "b"
answer_2 = "b"
answer_3 = "a"
answer_4 = "c"
answer_5 = "a"
answer_6 = "a"
