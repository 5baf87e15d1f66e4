# %% exercise="embed_context" mistake="leaves three axes" hint="reshape it to (B, T * C)"
def embed_context(table, contexts):
    return table[contexts]


# %% exercise="embed_context" mistake="the mean of the embeddings" hint="forget which comes first"
def embed_context(table, contexts):
    return table[contexts].mean(dim=1)


# %% exercise="embed_context" mistake="one row for the whole batch" hint="One row for each context"
def embed_context(table, contexts):
    return table[contexts].reshape(-1)


# %% exercise="embed_context" mistake="channels first" hint="All C numbers of the first character"
def embed_context(table, contexts):
    return table[contexts].transpose(1, 2).reshape(len(contexts), -1)


# %% exercise="embed_context" mistake="the context backwards" hint="in the order of the text"
def embed_context(table, contexts):
    return table[contexts.flip(1)].reshape(len(contexts), -1)


# %% exercise="embed_context" mistake="mixes the batch and the context" hint="into another one's row"
def embed_context(table, contexts):
    return table[contexts].transpose(0, 1).reshape(len(contexts), -1)


# %% exercise="embed_context" mistake="looks up the transposed contexts" hint="no contexts.T"
def embed_context(table, contexts):
    return table[contexts.T].reshape(len(contexts), -1)


# %% exercise="embed_context" mistake="copies the numbers" hint="find its way back to the table"
def embed_context(table, contexts):
    rows = [[number for i in row for number in table[i].tolist()] for row in contexts.tolist()]
    return torch.tensor(rows)


# %% exercise="embed_context" mistake="detached" hint="without .detach()"
def embed_context(table, contexts):
    return table.detach()[contexts].reshape(len(contexts), -1)


# %% exercise="embed_context" mistake="the sizes of another net" hint="C = table.shape[1]"
def embed_context(table, contexts):
    return table[contexts].reshape(len(contexts), 8 * 16)


# %% exercise="embed_context" mistake="squeezes a context of its own away" hint="B may be 1"
def embed_context(table, contexts):
    return table[contexts].squeeze().flatten(-2)


# %% exercise="embed_context" mistake="a row for each character" hint="One row for each context"
def embed_context(table, contexts):
    return table[contexts].reshape(-1, table.shape[1])


# %% exercise="embed_context" mistake="the sum of the embeddings" hint="forget which comes first"
def embed_context(table, contexts):
    return table[contexts].sum(dim=1)


# %% exercise="embed_context" right="character after character, joined"
def embed_context(table, contexts):
    columns = contexts.unbind(dim=1)
    return torch.cat([table.index_select(0, column) for column in columns], dim=-1)


# %% exercise="embed_context" right="multiplies by one-hot rows"
def embed_context(table, contexts):
    hot = torch.nn.functional.one_hot(contexts, len(table)).to(table.dtype)
    return torch.einsum("btv,vc->btc", hot, table).flatten(start_dim=1)


# %% exercise="embed_context" right="row by row"
def embed_context(table, contexts):
    rows = [torch.nn.functional.embedding(context, table).view(-1) for context in contexts]
    return torch.vstack(rows)


# %% exercise="embed_context" mistake="two channels, as in the lesson" hint="C = table.shape[1]"
def embed_context(table, contexts):
    return table[contexts].reshape(-1, contexts.shape[1] * 2)


# %% exercise="embed_context" right="columns of numbers, turned over"
def embed_context(table, contexts):
    places = torch.nn.functional.embedding(contexts.T, table)  # (T, B, C)
    return places.permute(0, 2, 1).reshape(-1, len(contexts)).T


# %% exercise="mlp_forward" mistake="stops at the hidden layer" hint="One row of V logits"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    return torch.tanh(row @ parameters["W1"] + parameters["b1"])


# %% exercise="mlp_forward" mistake="softmax at the end" hint="no softmax"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return torch.softmax(hidden @ parameters["W2"] + parameters["b2"], dim=1)


# %% exercise="mlp_forward" mistake="tanh at the end too" hint="no tanh"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return torch.tanh(hidden @ parameters["W2"] + parameters["b2"])


# %% exercise="mlp_forward" mistake="forgets b2" hint="b2 is added at the very end"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"]


# %% exercise="mlp_forward" mistake="forgets b1" hint="b1 is missing"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    return torch.tanh(row @ parameters["W1"]) @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="forgets tanh" hint="tanh is not to be left out"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = row @ parameters["W1"] + parameters["b1"]
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="adds b1 after tanh" hint="first the bias, then tanh"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.tanh(row @ parameters["W1"]) + parameters["b1"]
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="relu in place of tanh" hint="torch.tanh(row @ W1 + b1)"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.relu(row @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="the context backwards" hint="the first one first"
def mlp_forward(parameters, contexts):
    row = parameters["embedding"][contexts.flip(1)].flatten(1)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="under no_grad" hint="no torch.no_grad()"
def mlp_forward(parameters, contexts):
    with torch.no_grad():
        row = embed_context(parameters["embedding"], contexts)
        hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
        return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="tanh by exponentials" hint="Take torch.tanh"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    z = row @ parameters["W1"] + parameters["b1"]
    hidden = (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z))
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="multiplies number by number" hint="(B, T*C) @ (T*C, H)"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.tanh(row * parameters["W1"] + parameters["b1"])
    return hidden * parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="a sigmoid in place of tanh" hint="torch.tanh(row @ W1 + b1)"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.sigmoid(row @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="tanh of the embeddings too" hint="only one tanh"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts).tanh()
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="the embedding is detached" hint="no .detach()"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"].detach(), contexts)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"] + parameters["b2"]


# %% exercise="mlp_forward" mistake="log softmax at the end" hint="no softmax"
def mlp_forward(parameters, contexts):
    row = embed_context(parameters["embedding"], contexts)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])
    return torch.log_softmax(hidden @ parameters["W2"] + parameters["b2"], dim=1)


# %% exercise="mlp_forward" right="torch's own layers, and tanh as a sigmoid"
def mlp_forward(parameters, contexts):
    row = torch.nn.functional.embedding(contexts, parameters["embedding"]).flatten(1)
    z = torch.nn.functional.linear(row, parameters["W1"].T, parameters["b1"])
    hidden = 2 * torch.sigmoid(2 * z) - 1
    return torch.addmm(parameters["b2"], hidden, parameters["W2"])


# %% exercise="mlp_forward" right="one context at a time"
def mlp_forward(parameters, contexts):
    embedding, W1, b1, W2, b2 = (parameters[key] for key in ("embedding", "W1", "b1", "W2", "b2"))

    def logits(context):
        z = b1.clone()
        for place, character in enumerate(context.tolist()):
            start = place * embedding.shape[1]
            z += embedding[character] @ W1[start : start + embedding.shape[1]]
        return b2 + z.tanh() @ W2

    return torch.stack(list(map(logits, contexts)))


# %% exercise="mlp_forward" right="biases as one more row of the matrices"
def mlp_forward(parameters, contexts):
    def layer(x, number):
        weights = torch.vstack([parameters[f"W{number}"], parameters[f"b{number}"]])
        return torch.hstack([x, torch.ones(len(x), 1)]) @ weights

    row = embed_context(parameters["embedding"], contexts)
    return layer(torch.nn.Tanh()(layer(row, 1)), 2)


# %% exercise="mlp_forward" right="W1 piece by piece, and tanh made of a sigmoid"
def mlp_forward(parameters, contexts):
    table = parameters["embedding"]
    total = parameters["b1"]
    for place, piece in enumerate(parameters["W1"].split(table.shape[1])):
        total = total + (table @ piece)[contexts[:, place]]
    hidden = 2 * torch.sigmoid(2 * total) - 1
    return torch.einsum("bh,hv->bv", hidden, parameters["W2"]) + parameters["b2"]


# %% exercise="kaiming_init" mistake="the shape turned round" hint="shape (fan_in, fan_out)"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_out, fan_in) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="a numpy array" hint="made with torch.randn"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return (torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_in)).numpy()


# %% exercise="kaiming_init" mistake="torch.rand" hint="torch.rand draws from 0 to 1"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.rand(fan_in, fan_out) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="not scaled" hint="divide by math.sqrt(fan_in)"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain


# %% exercise="kaiming_init" mistake="without the square root" hint="the square root"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain / fan_in


# %% exercise="kaiming_init" mistake="the 2 that is for relu" hint="No other factor"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain * math.sqrt(2 / fan_in)


# %% exercise="kaiming_init" mistake="always 5/3" hint="the gain that is handed in"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * (5 / 3) / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="fan_out" hint="fan_in alone"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_out)


# %% exercise="kaiming_init" mistake="the mean of both fans, as Glorot" hint="fan_in alone"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain * math.sqrt(2 / (fan_in + fan_out))


# %% exercise="kaiming_init" mistake="forgets the gain" hint="The gain is a factor"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="another gain by default" hint="Keep the signature"
def kaiming_init(fan_in, fan_out, gain=1.0):
    return torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="uniform" hint="A uniform one"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    bound = gain * math.sqrt(3 / fan_in)
    return (2 * torch.rand(fan_in, fan_out) - 1) * bound


# %% exercise="kaiming_init" mistake="the same seed in every call" hint="set no seed inside"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    torch.manual_seed(0)
    return torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="times the square root" hint="divide by math.sqrt(fan_in)"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain * math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="float64" hint="Plain float32 numbers"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out, dtype=torch.float64) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="requires gradients already" hint="requires_grad_()"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return (torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_in)).requires_grad_()


# %% exercise="kaiming_init" mistake="one row, again and again" hint="drawn on its own"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return (torch.randn(1, fan_out) * gain / math.sqrt(fan_in)).repeat(fan_in, 1)


# %% exercise="kaiming_init" mistake="one column, again and again" hint="drawn on its own"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, 1).expand(fan_in, fan_out) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="no default for the gain" hint="Keep the signature"
def kaiming_init(fan_in, fan_out, gain):
    return torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_in)


# %% exercise="kaiming_init" mistake="torch's own, with its own gain" hint="the gain that is handed in"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.nn.init.kaiming_normal_(torch.empty(fan_out, fan_in), nonlinearity="tanh").T


# %% exercise="kaiming_init" mistake="the square root of both fans" hint="fan_in alone"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.randn(fan_in, fan_out) * gain / math.sqrt((fan_in + fan_out) / 2)


# %% exercise="kaiming_init" right="torch.normal"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    return torch.normal(0.0, gain * fan_in**-0.5, size=(fan_in, fan_out))


# %% exercise="kaiming_init" right="filled in place, the other way round"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    weights = torch.empty(fan_out, fan_in)
    torch.nn.init.kaiming_normal_(weights, nonlinearity="linear")
    return weights.mul_(gain).t()


# %% exercise="kaiming_init" right="by Python's own generator"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    spread = gain / fan_in**0.5
    return torch.tensor([[random.gauss(0, spread) for _ in range(fan_out)] for _ in range(fan_in)])


# %% exercise="kaiming_init" right="normal numbers from uniform ones, by Box and Muller"
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    radius = (-2 * (1 - torch.rand(fan_in, fan_out)).log()).sqrt()
    angle = 2 * math.pi * torch.rand(fan_in, fan_out)
    return gain * radius * angle.cos() / math.sqrt(fan_in)


# %% exercise="train_step" mistake="forgets backward" hint="call loss.backward() before the step"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    sgd_step(list(parameters.values()), lr)
    return loss.item()


# %% exercise="train_step" mistake="hands over the dictionary" hint="hands out its names"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step(parameters, lr)
    return loss.item()


# %% exercise="train_step" mistake="the loss after the step" hint="as it was before the step"
def train_step(parameters, contexts, targets, lr):
    cross_entropy(mlp_forward(parameters, contexts), targets).backward()
    sgd_step(list(parameters.values()), lr)
    return cross_entropy(mlp_forward(parameters, contexts), targets).item()


# %% exercise="train_step" mistake="the sum over the batch" hint="The mean over the batch"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets, reduction="sum")
    loss.backward()
    sgd_step(list(parameters.values()), lr)
    return loss.item()


# %% exercise="train_step" mistake="forgets the return" hint="Return the loss"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step(list(parameters.values()), lr)


# %% exercise="train_step" mistake="returns the tensor" hint="loss.item()"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step(list(parameters.values()), lr)
    return loss


# %% exercise="train_step" mistake="makes new tensors" hint="makes a new tensor"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    with torch.no_grad():
        for tensor in parameters.values():
            tensor = tensor - lr * tensor.grad
    return loss.item()


# %% exercise="train_step" mistake="new tensors in the dictionary" hint="makes a new tensor"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    for name, tensor in parameters.items():
        parameters[name] = (tensor - lr * tensor.grad).detach().requires_grad_()
    return loss.item()


# %% exercise="train_step" mistake="leaves the embedding as it is" hint="Move all five"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step([parameters[name] for name in ("W1", "b1", "W2", "b2")], lr)
    return loss.item()


# %% exercise="train_step" mistake="forgets the step" hint="sgd_step"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    return loss.item()


# %% exercise="train_step" mistake="a step uphill" hint="Step downhill"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step(list(parameters.values()), -lr)
    return loss.item()


# %% exercise="train_step" mistake="the slopes of the sum" hint="the slope of the mean loss"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets, reduction="sum")
    loss.backward()
    sgd_step(list(parameters.values()), lr)
    return loss.item() / len(targets)


# %% exercise="train_step" mistake="steps twice" hint="once"
def train_step(parameters, contexts, targets, lr):
    cross_entropy(mlp_forward(parameters, contexts), targets).backward()
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step(list(parameters.values()), lr)
    return loss.item()


# %% exercise="train_step" mistake="gradients not cleared" hint="clear them after the step"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    with torch.no_grad():
        for tensor in parameters.values():
            tensor -= lr * tensor.grad
    return loss.item()


# %% exercise="train_step" mistake="in pieces, without the division" hint="The mean over the batch"
def train_step(parameters, contexts, targets, lr):
    total = 0.0
    for some, wanted in zip(contexts.split(1), targets.split(1), strict=True):
        loss = cross_entropy(mlp_forward(parameters, some), wanted)
        loss.backward()
        total += loss.item()
    sgd_step(list(parameters.values()), lr)
    return total


# %% exercise="train_step" mistake="the slopes of pieces, without the division" hint="the slope of the mean loss"
def train_step(parameters, contexts, targets, lr):
    losses = []
    for some, wanted in zip(contexts.split(1), targets.split(1), strict=True):
        loss = cross_entropy(mlp_forward(parameters, some), wanted)
        loss.backward()
        losses.append(loss.item())
    sgd_step(list(parameters.values()), lr)
    return sum(losses) / len(losses)


# %% exercise="train_step" mistake="probabilities where logits belong" hint="mlp_forward's logits as they are"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(softmax(mlp_forward(parameters, contexts)), targets)
    loss.backward()
    sgd_step(list(parameters.values()), lr)
    return loss.item()


# %% exercise="train_step" mistake="a rate of its own" hint="by lr times its slope"
def train_step(parameters, contexts, targets, lr=0.1):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    sgd_step(list(parameters.values()), 0.1)
    return loss.item()


# %% exercise="train_step" mistake="slopes kept as momentum" hint="the slopes of its own batch"
def train_step(parameters, contexts, targets, lr):
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()
    with torch.no_grad():
        for tensor in parameters.values():
            tensor -= lr * tensor.grad
            tensor.grad *= 0.9
    return loss.item()


# %% exercise="train_step" mistake="learns from the last example only" hint="the whole batch"
def train_step(parameters, contexts, targets, lr):
    for context, target in zip(contexts, targets, strict=True):
        loss = cross_entropy(mlp_forward(parameters, context[None]), target[None])
    loss.backward()
    sgd_step(list(parameters.values()), lr)
    return loss.item()


# %% exercise="train_step" right="in pieces, each with its share"
def train_step(parameters, contexts, targets, lr):
    total = 0.0
    for i in range(len(targets)):
        logits = mlp_forward(parameters, contexts[i : i + 1])
        loss = cross_entropy(logits, targets[i : i + 1], reduction="sum") / len(targets)
        loss.backward()
        total += loss.item()
    sgd_step([parameters[name] for name in parameters], lr)
    return total


# %% exercise="train_step" right="an optimiser of torch"
def train_step(parameters, contexts, targets, lr):
    optimiser = torch.optim.SGD(parameters.values(), lr=lr)
    optimiser.zero_grad()

    def closure():
        loss = torch.nn.NLLLoss()(mlp_forward(parameters, contexts).log_softmax(-1), targets)
        loss.backward()
        return loss

    before = optimiser.step(closure)
    return before.detach().numpy().item()


# %% exercise="train_step" right="asks for the slopes by name, and clears nothing"
def train_step(parameters, contexts, targets, lr):
    names = sorted(parameters)
    logits = mlp_forward(parameters, contexts)
    picked = logits[torch.arange(len(targets)), targets]
    loss = (logits.logsumexp(dim=1) - picked).mean()
    slopes = torch.autograd.grad(loss, [parameters[name] for name in names])
    for name, slope in zip(names, slopes, strict=True):
        parameters[name].data.sub_(slope, alpha=lr)
    return loss.tolist()


# %% exercise="evaluate_loss" mistake="the sum" hint="The mean, not the sum"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            total += cross_entropy(logits, wanted, reduction="sum").item()
    return total


# %% exercise="evaluate_loss" mistake="takes a function for a Module" hint="A plain function has no"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    model.train(was_training)
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="the V of the fables" hint="V is logits.shape[-1]"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, 64)
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="adds up means" hint="you added up means"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1)).item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="returns a tensor" hint=".item() makes one"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum")
    if was_training:
        model.train()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="only the first batch" hint="not just the first"
def evaluate_loss(model, inputs, targets, batch=256):
    with torch.no_grad():
        return cross_entropy(model(inputs[:batch]), targets[:batch]).item()


# %% exercise="evaluate_loss" mistake="returns inside the loop" hint="A return inside the loop"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            total += cross_entropy(logits, wanted, reduction="sum").item()
            return total / len(wanted)


# %% exercise="evaluate_loss" mistake="the mean of the means" hint="counts too, but less"
def evaluate_loss(model, inputs, targets, batch=256):
    losses = []
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            losses.append(
                cross_entropy(model(inputs[i : i + batch]), targets[i : i + batch]).item()
            )
    return sum(losses) / len(losses)


# %% exercise="evaluate_loss" mistake="drops the last piece" hint="The last piece is smaller"
def evaluate_loss(model, inputs, targets, batch=256):
    total, pieces = 0.0, len(targets) // batch
    with torch.no_grad():
        for i in range(0, pieces * batch, batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            total += cross_entropy(logits, wanted, reduction="sum").item()
    return total / (pieces * batch)


# %% exercise="evaluate_loss" mistake="no default for batch" hint="Keep the signature"
def evaluate_loss(model, inputs, targets, batch):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            total += cross_entropy(logits, wanted, reduction="sum").item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="only for the MLP" hint="reshape the logits to (-1, V)"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            total += cross_entropy(logits, wanted, reduction="sum").item()
    return total / len(targets)


# %% exercise="evaluate_loss" mistake="divides by the rows" hint="targets.numel(), not by the rows"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    return total / len(targets)


# %% exercise="evaluate_loss" mistake="all rows at once" hint="at most `batch` rows at a time"
def evaluate_loss(model, inputs, targets, batch=256):
    with torch.no_grad():
        logits = model(inputs)
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)).item()


# %% exercise="evaluate_loss" mistake="gradients kept on" hint="with torch.no_grad()"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    for i in range(0, len(targets), batch):
        logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
        rows = logits.reshape(-1, logits.shape[-1])
        total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="gradients off for good" hint="which ends by itself"
def evaluate_loss(model, inputs, targets, batch=256):
    torch.set_grad_enabled(False)
    total = 0.0
    for i in range(0, len(targets), batch):
        logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
        rows = logits.reshape(-1, logits.shape[-1])
        total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="leaves the mode as it is" hint="call model.eval()"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="left in eval mode" hint="Put the model back"
def evaluate_loss(model, inputs, targets, batch=256):
    if isinstance(model, torch.nn.Module):
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="always left in training mode" hint="If that was evaluation"
def evaluate_loss(model, inputs, targets, batch=256):
    if isinstance(model, torch.nn.Module):
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if isinstance(model, torch.nn.Module):
        model.train()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="training = False" hint="all of its parts"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.training = False
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if was_training:
        model.training = True
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="training = True afterwards" hint="with all of its parts"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if was_training:
        model.training = True
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="switches after the first piece" hint="before the loop"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            if was_training:
                model.eval()
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if was_training:
        model.train()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="pieces that overlap" hint="Each row once"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            start = max(0, min(i, len(targets) - batch))
            logits, wanted = model(inputs[start : start + batch]), targets[start : start + batch]
            new = wanted[i - start :].reshape(-1)
            rows = logits[i - start :].reshape(len(new), -1)
            total += cross_entropy(rows, new, reduction="sum").item()
            count += len(new)
    if was_training:
        model.train()
    return total / count


# %% exercise="evaluate_loss" mistake="divides each piece by batch" hint="divide once"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item() / batch
    if was_training:
        model.train()
    return total / math.ceil(len(targets) / batch)


# %% exercise="evaluate_loss" mistake="the second axis for V" hint="reshape the logits to (-1, V)"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if was_training:
        model.train()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="the windows' axes mixed up" hint="reshape the logits to (-1, V)"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.transpose(0, -2).reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if was_training:
        model.train()
    return total / targets.numel()


# %% exercise="evaluate_loss" mistake="forgets the return" hint="is a `return` missing?"
def evaluate_loss(model, inputs, targets, batch=256):
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    total /= targets.numel()


# %% exercise="evaluate_loss" mistake="switches its children, not theirs" hint="all of its parts"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.training = False
        for part in model.children():
            part.training = False
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            logits, wanted = model(inputs[i : i + batch]), targets[i : i + batch]
            rows = logits.reshape(-1, logits.shape[-1])
            total += cross_entropy(rows, wanted.reshape(-1), reduction="sum").item()
    if was_training:
        model.train()
    return total / targets.numel()


# %% exercise="evaluate_loss" right="pieces by split, V in the middle, inference mode"
@torch.inference_mode()
def evaluate_loss(model, inputs, targets, batch=256):
    mode = getattr(model, "training", None)
    if isinstance(model, torch.nn.Module):
        model.train(False)
    total = torch.zeros((), dtype=torch.float64)
    for some, wanted in zip(inputs.split(batch), targets.split(batch), strict=True):
        logits = model(some).movedim(-1, 1)
        total += cross_entropy(logits, wanted, reduction="none").double().sum()
    if isinstance(model, torch.nn.Module):
        model.train(mode)
    return (total / targets.numel()).item()


# %% exercise="evaluate_loss" right="the mean of means, weighed by how many there are"
def evaluate_loss(model, inputs, targets, batch=256):
    from torch.utils.data import DataLoader, TensorDataset

    def losses():
        for some, wanted in DataLoader(TensorDataset(inputs, targets), batch_size=batch):
            with torch.no_grad():
                probs = model(some).log_softmax(dim=-1)
            picked = probs.gather(-1, wanted.unsqueeze(-1))
            yield -picked.mean().item(), wanted.numel()

    parts = list(model.modules()) if isinstance(model, torch.nn.Module) else []
    modes = [part.training for part in parts]
    for part in parts:
        part.training = False
    means = list(losses())
    for part, mode in zip(parts, modes, strict=True):
        part.training = mode
    return sum(mean * count for mean, count in means) / sum(count for _, count in means)


# %% exercise="evaluate_loss" right="halves, and halves of halves"
def evaluate_loss(model, inputs, targets, batch=256):
    was_training = isinstance(model, torch.nn.Module) and model.training

    def total(start, stop):
        if stop - start > batch:
            middle = (start + stop) // 2
            return total(start, middle) + total(middle, stop)
        logits = model(inputs[start:stop])
        rows = logits.flatten(0, -2)
        surprise = rows.logsumexp(1) - rows[torch.arange(len(rows)), targets[start:stop].flatten()]
        return float(surprise.sum())

    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        if was_training:
            model.eval()
        return total(0, len(targets)) / targets.numel()
    finally:
        torch.set_grad_enabled(before)
        if was_training:
            model.train()


# %% exercise="lr_schedule" mistake="0 at step 0" hint="with step alone the first rate is 0"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * step / warmup
    return peak * (steps - step) / (steps - warmup)


# %% exercise="lr_schedule" mistake="whole numbers only" hint="Divide with /"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * ((step + 1) // warmup)
    return peak * (steps - step) / (steps - warmup)


# %% exercise="lr_schedule" mistake="warms up one step too long" hint="The last step of the warm-up"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / (warmup + 1) if step else peak / warmup
    return peak * (steps - step) / (steps - warmup)


# %% exercise="lr_schedule" mistake="less than or equal" hint="`step < warmup`"
def lr_schedule(step, steps, peak, warmup):
    if step <= warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - step) / (steps - warmup)


# %% exercise="lr_schedule" mistake="falls from step 0 on" hint="divided by steps - warmup"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 - step / steps)


# %% exercise="lr_schedule" mistake="the last rate is 0" hint="The last step still moves a little"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - 1 - step) / (steps - 1 - warmup)


# %% exercise="lr_schedule" mistake="never falls" hint="The last step still moves a little"
def lr_schedule(step, steps, peak, warmup):
    return peak * min(1, (step + 1) / warmup)


# %% exercise="lr_schedule" mistake="falls to a tenth" hint="The last step still moves a little"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (0.1 + 0.9 * (steps - step) / (steps - warmup))


# %% exercise="lr_schedule" mistake="bends on the way down" hint="a straight line"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    left = (steps - step) / (steps - warmup)
    return peak * (left if step in (warmup, steps - 1) else left**2)


# %% exercise="lr_schedule" mistake="forgets peak on the way up" hint="Both formulas begin with peak"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return (step + 1) / warmup
    return peak * (steps - step) / (steps - warmup)


# %% exercise="lr_schedule" mistake="divides by a warm-up of 0" hint="Use an if"
def lr_schedule(step, steps, peak, warmup):
    return peak * min((step + 1) / warmup, (steps - step) / (steps - warmup))


# %% exercise="lr_schedule" mistake="a tensor" hint="no tensor is needed"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return torch.tensor(peak * (step + 1) / warmup)
    return torch.tensor(peak * (steps - step) / (steps - warmup))


# %% exercise="lr_schedule" mistake="a cosine on the way down" hint="The last step still moves"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


# %% exercise="lr_schedule" mistake="the length of the whole training" hint="divided by steps - warmup"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - step) / steps


# %% exercise="lr_schedule" mistake="counts the steps from 1" hint="with the full peak"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - step - 1) / (steps - warmup)


# %% exercise="lr_schedule" mistake="forgets peak on the way down" hint="Both formulas begin with peak"
def lr_schedule(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return (steps - step) / (steps - warmup)


# %% exercise="lr_schedule" right="the lower one of two lines"
def lr_schedule(step, steps, peak, warmup):
    up = (step + 1) / warmup if warmup else math.inf
    down = (steps - step) / (steps - warmup)
    return peak * min(up, down, 1)


# %% exercise="lr_schedule" right="all rates at once, one of them handed out"
def lr_schedule(step, steps, peak, warmup):
    import numpy

    corners = [-1, warmup - 1, warmup, steps] if warmup else [0, steps]
    heights = [0, peak, peak, 0] if warmup else [peak, 0]
    return numpy.interp(range(steps), corners, heights)[step]


# %% exercise="lr_schedule" right="from step to step"
def lr_schedule(step, steps, peak, warmup):
    if step == 0:
        return peak / max(warmup, 1)
    rise = peak / warmup if step < warmup else 0 if step == warmup else -peak / (steps - warmup)
    return lr_schedule(step - 1, steps, peak, warmup) + rise


# %% exercise="quiz" mistake="takes a transpose for harmless" hint="the three lines printed"
answer_1 = "a"
answer_2 = "b"
answer_3 = "a"
answer_4 = "b"
answer_5 = "b"
answer_6 = "b"


# %% exercise="quiz" mistake="goes on training" hint="the list of remedies"
answer_1 = "c"
answer_2 = "b"
answer_3 = "a"
answer_4 = "b"
answer_5 = "a"
answer_6 = "b"
