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


# %% exercise="train_step" mistake="the sum over the batch" hint="the mean over the batch"
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


# %% exercise="evaluate_loss" mistake="returns a tensor" hint=".item() makes a plain number"
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
