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


# %% exercise="text_loss" mistake="targets not shifted" hint="to the right of it"
def text_loss(logits, ids):
    return cross_entropy(logits[ids], ids)


# %% exercise="text_loss" mistake="shifted the wrong way" hint="inputs ids[:-1], targets"
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


# %% exercise="backward_add_mul" mistake="sets its own grad" hint="which stays as it is"
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


# %% exercise="backward" mistake="the result has no grad" hint="set result.grad = 1.0"
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
