# %% exercise="GPT" mistake="returns the stream, not logits" hint="norm, head"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


# %% exercise="GPT" mistake="looks up the ids among the places" hint="position embedding of 0, 1"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(ids)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="places as many as the context" hint="T may be smaller"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(self.config.context, device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="a plain list of blocks" hint="Torch does not look into a plain"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        self.initialise()


# %% exercise="GPT" mistake="a head with a bias" hint="with bias=False"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size)
        self.head.weight = self.token_embedding.weight
        self.initialise()


# %% exercise="GPT" mistake="a place for each character of the vocabulary" hint="`context` places"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.vocab_size, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        self.initialise()


# %% exercise="GPT" mistake="untied head" hint="Tie them"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.initialise()


# %% exercise="GPT" mistake="a copy in place of a tie" hint="A copy would go its own way"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = nn.Parameter(self.token_embedding.weight.clone())
        self.initialise()


# %% exercise="GPT" mistake="the same block several times" hint="is the same block again"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList([Block(C, config.heads, config.dropout)] * config.layers)
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        self.initialise()


# %% exercise="GPT" mistake="leaves torch's starting values" hint="with torch's own spread of 1"
class GPT(GPT):
    def initialise(self):
        pass


# %% exercise="GPT" mistake="a standard deviation of 1" hint="std=1 / math.sqrt(channels)"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1.0
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="GPT-2's 0.02 everywhere" hint="for every matrix"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 0.02
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="leaves out the linear layers" hint="for every matrix"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif name.endswith("embedding.weight"):
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="all matrices alike" hint="write into the residual stream"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="divides by the root of the layers, not of twice as many" hint="2 * layers times in all"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="divides without the root" hint="the square root of that"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / (2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="random places" hint="times 2 / sqrt(channels)"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            pass


# %% exercise="GPT" mistake="places as large as the clocks come" hint="times 2 / sqrt(channels)"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(clocks)


# %% exercise="GPT" mistake="draws the norms' weights too" hint="leave what is no matrix"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif name.endswith("weight"):
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="sets everything else to zero" hint="The weights of a LayerNorm begin at 1"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            else:
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="leaves torch's biases" hint="Biases begin at 0"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="no position embedding" hint="Without the position embedding"
class GPT(GPT):
    def forward(self, ids):
        x = self.token_embedding(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="subtracts the mean over the text" hint="never sum or average over the positions"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        x = x - x.mean(dim=1, keepdim=True)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="every block reads the embeddings" hint="each on what the one before"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            y = block(x)
        x = y
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="forgets dropout" hint="Hand config.dropout on"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList([Block(C, config.heads) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        self.initialise()


# %% exercise="GPT" mistake="no norm before the head" hint="a last LayerNorm before the head"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


# %% exercise="GPT" mistake="softmax at the end" hint="no softmax behind it"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return torch.log_softmax(self.head(self.norm(x)), dim=-1)


# %% exercise="GPT" mistake="the variance in place of the standard deviation" hint="std=1 / math.sqrt(channels)"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / config.channels
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="the clocks once in place of twice" hint="times 2 / sqrt(channels)"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(spread * clocks)


# %% exercise="GPT" mistake="the clocks first, and then drawn over" hint="after everything else has been drawn"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)


# %% exercise="GPT" mistake="channels and context swapped in the clocks" hint="in this order"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.channels, config.context)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="only one of the two that write into the stream is smaller" hint="shrink.weight"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith("project.weight"):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="a buffer in the state dict" hint="persistent=False"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        self.register_buffer("places", torch.arange(config.context))
        self.initialise()


# %% exercise="GPT" mistake="no head, only the embedding's matrix" hint="position_embedding, blocks, norm, head"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.initialise()

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.token_embedding.weight.T


# %% exercise="GPT" mistake="subtracts the mean over the batch" hint="never sum or average over the batch"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x - x.mean(dim=0)))


# %% exercise="GPT" mistake="scales the embeddings" hint="and nothing is scaled"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) * self.config.channels + self.position_embedding(
            places
        )  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="adds to the stream what the blocks have added already" hint="each one adds to x by itself"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = x + block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="the blocks from last to first" hint="The blocks come in their order"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in reversed(self.blocks):
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="adds the places before every block" hint="to the token embedding, once"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x + self.position_embedding(places))
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="cuts the gradients off" hint="nothing detached"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x.detach()))


# %% exercise="GPT" mistake="drops at evaluation, too" hint="Nothing is dropped in evaluation"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        x = F.dropout(x, self.config.dropout)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="draws without no_grad" hint="The no_grad is missing"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):  # these add to the stream
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                parameter.normal_(std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)  # no shift to begin with
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():  # a start, not a step
            self.position_embedding.weight.copy_(2 * spread * clocks)


# %% exercise="GPT" mistake="puts a tensor where a parameter is" hint="A plain tensor is no Parameter"
class GPT(GPT):
    def initialise(self):
        config = self.config
        spread = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):  # these add to the stream
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)  # no shift to begin with
        clocks = positional_encoding(config.context, config.channels)
        with torch.no_grad():  # a start, not a step
            self.position_embedding.weight = 2 * spread * clocks


# %% exercise="GPT" mistake="a block without its heads" hint="A Block takes"
class GPT(GPT):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.config = config
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList([Block(C) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        self.initialise()


# %% exercise="GPT" mistake="places that stay on the CPU" hint="device=ids.device"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1])
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="counts the places from the end" hint="stands at place 0"
class GPT(GPT):
    def forward(self, ids):
        context = self.config.context
        places = torch.arange(context - ids.shape[1], context, device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="drops from the embeddings too" hint="Dropout is inside the blocks"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        x = F.dropout(x, self.config.dropout, self.training)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% exercise="GPT" mistake="the last logits only" hint="logits (B, T, V) come out"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -1]))


# %% exercise="GPT" mistake="forward returns nothing" hint="is a `return` missing"
class GPT(GPT):
    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(places)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        self.head(self.norm(x))


# %% exercise="GPT" right="layer by layer, tied the other way round"
from functools import reduce


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        V, T, C = config.vocab_size, config.context, config.channels
        self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, V, bias=False)
        self.blocks = nn.ModuleList()
        while len(self.blocks) < config.layers:
            self.blocks.append(Block(C, config.heads, config.dropout))
        self.token_embedding, self.position_embedding = nn.Embedding(V, C), nn.Embedding(T, C)
        self.token_embedding.weight = self.head.weight
        self.initialise()

    def initialise(self):
        size = self.config.channels**-0.5
        for layer in self.modules():
            if isinstance(layer, (nn.Linear, nn.Embedding)):
                layer.weight.data = torch.randn_like(layer.weight) * size
            if isinstance(layer, nn.Linear) and layer.bias is not None:
                layer.bias.data.fill_(0.0)
        for block in self.blocks:
            for layer in (block.attention.project, block.feed_forward.shrink):
                layer.weight.data /= math.sqrt(2 * len(self.blocks))
        self.token_embedding.weight = self.head.weight
        clocks = positional_encoding(self.config.context, self.config.channels)
        self.position_embedding.weight.data = clocks * 2 * size

    def forward(self, ids):
        places = torch.ones_like(ids).cumsum(dim=1) - 1
        start = self.token_embedding(ids) + self.position_embedding(places)
        return self.head(self.norm(reduce(lambda x, block: block(x), self.blocks, start)))


# %% exercise="GPT" right="slices and products in place of layers"
class GPT(GPT):
    def initialise(self):
        C, named = self.config.channels, dict(self.named_parameters())
        with torch.no_grad():
            for name, parameter in named.items():
                if parameter.ndim > 1:
                    into_stream = name.split(".")[-2] in ("project", "shrink")
                    rows = 2 * self.config.layers if into_stream else 1
                    parameter.copy_(torch.empty_like(parameter).normal_() / (C * rows) ** 0.5)
            for name in named:
                if name.endswith(".bias"):
                    named[name].mul_(0)
            self.position_embedding.weight[:] = positional_encoding(self.config.context, C)
            self.position_embedding.weight *= 2 / math.sqrt(C)

    def forward(self, ids):
        table = self.token_embedding.weight
        x = table[ids] + self.position_embedding.weight[: ids.size(1)].unsqueeze(0)
        for i in range(len(self.blocks)):
            x = self.blocks[i](x)
        return self.norm(x) @ table.T


# %% exercise="GPT" right="one text of the batch after the other"
class GPT(GPT):
    def forward(self, ids):
        places = torch.tensor(range(ids.shape[-1]), device=ids.device)
        texts = []
        for text in ids:
            x = F.embedding(text, self.token_embedding.weight) + self.position_embedding(places)
            x = nn.Sequential(*self.blocks)(x[None])
            texts.append(F.linear(self.norm(x), self.head.weight))
        return torch.cat(texts)


# %% exercise="count_parameters" mistake="counts tensors" hint="parameter.numel() says"
def count_parameters(model):
    return len(list(model.parameters()))


# %% exercise="count_parameters" mistake="only matrices" hint="for matrices and biases"
def count_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters() if parameter.dim() == 2)


# %% exercise="count_parameters" mistake="adds up the state dict" hint="state_dict() lists it under both"
def count_parameters(model):
    return sum(weight.numel() for weight in model.state_dict().values())


# %% exercise="count_parameters" mistake="counts a shared matrix twice" hint="count it once"
def count_parameters(model):
    named = model.named_parameters(remove_duplicate=False)
    return sum(parameter.numel() for _, parameter in named)


# %% exercise="count_parameters" mistake="only the layer itself, not those inside" hint="those of all layers"
def count_parameters(model):
    parts = [model, *model.children()]
    return sum(p.numel() for p in parts[-1].parameters())


# %% exercise="count_parameters" mistake="counts what is not trained" hint="no training step changes"
def count_parameters(model):
    weights = {id(w): w.numel() for w in [*model.parameters(), *model.buffers()]}
    return sum(weights.values())


# %% exercise="count_parameters" mistake="gives a tensor" hint="Return a plain int"
def count_parameters(model):
    return torch.tensor([parameter.numel() for parameter in model.parameters()]).sum()


# %% exercise="count_parameters" mistake="gives a float" hint="Return a plain int"
def count_parameters(model):
    return float(sum(parameter.numel() for parameter in model.parameters()))


# %% exercise="count_parameters" mistake="one of each shape" hint="What has the same shape"
def count_parameters(model):
    return sum({parameter.shape: parameter.numel() for parameter in model.parameters()}.values())


# %% exercise="count_parameters" mistake="takes equal numbers for the same parameter" hint="or the same numbers"
def count_parameters(model):
    kept = []
    for weight in model.state_dict().values():
        if not any(weight.shape == other.shape and torch.equal(weight, other) for other in kept):
            kept.append(weight)
    return sum(weight.numel() for weight in kept)


# %% exercise="count_parameters" mistake="leaves out what is frozen" hint="whether it gets a gradient"
def count_parameters(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


# %% exercise="count_parameters" mistake="rows times columns" hint="any number of dimensions"
def count_parameters(model):
    total = 0
    for parameter in model.parameters():
        rows = parameter.shape[0] if parameter.dim() else 1
        total += rows * parameter.shape[1] if parameter.dim() > 1 else rows
    return total


# %% exercise="count_parameters" mistake="returns nothing" hint="is a `return` missing"
def count_parameters(model):
    sum(parameter.numel() for parameter in model.parameters())


# %% exercise="count_parameters" right="one long row"
def count_parameters(model):
    return len(nn.utils.parameters_to_vector(model.parameters()))


# %% exercise="count_parameters" right="walks through the layers itself"
def count_parameters(model, seen=None):
    seen = {} if seen is None else seen
    for parameter in model.parameters(recurse=False):
        seen[id(parameter)] = math.prod(parameter.shape)
    for child in model.children():
        count_parameters(child, seen)
    return sum(seen.values())


# %% exercise="count_parameters" right="bytes by the size of a number"
def count_parameters(model):
    named = dict(model.named_parameters())
    return sum(p.nbytes // p.element_size() for p in named.values())


# %% exercise="sample_token" mistake="returns a tensor" hint="makes one of a tensor"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)]


# %% exercise="sample_token" mistake="takes the most likely" hint="No argmax"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[0].item()


# %% exercise="sample_token" mistake="draws from the logits" hint="logits become probabilities by softmax"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = (logits / temperature).clamp(min=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="a seed inside" hint="no seed inside"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, 1, generator=torch.Generator().manual_seed(0))].item()


# %% exercise="sample_token" mistake="multiplies by the temperature" hint="Multiplied, it does the opposite"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits * temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="softmax before the temperature" hint="before the softmax"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits, dim=0).sort(descending=True)
    if temperature != 1:
        probs = torch.softmax(probs / temperature, dim=0)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="temperature on probabilities" hint="on probabilities"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = (torch.softmax(logits, dim=0) / temperature).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="forgets the temperature" hint="Divide the logits by the temperature"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="forgets the order" hint="look it up"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return torch.multinomial(probs, num_samples=1).item()


# %% exercise="sample_token" mistake="top-k keeps one too many" hint="top_k = 1 leaves one place"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k + 1 :] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-k keeps one too few" hint="exactly k"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[max(top_k - 1, 1) :] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-k keeps the least likely" hint="the most likely"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[:-top_k] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="draws evenly from the top k" hint="keeps its proportions"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs = (torch.arange(len(probs)) < top_k).float()
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-k above V is an error" hint="min(top_k, V)"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    scaled = logits / temperature
    if top_k is not None:
        lowest = torch.topk(scaled, top_k).values[-1]
        scaled = torch.where(scaled < lowest, -torch.inf, scaled)
    probs, order = torch.softmax(scaled, dim=0).sort(descending=True)
    if top_p is not None:
        probs[probs.cumsum(dim=0) - probs >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p drops the first" hint="The most likely one stays"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        mass = probs.cumsum(dim=0)
        probs[mass > top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p keeps one too few" hint="The one with which the sum reaches top_p"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        mass = probs.cumsum(dim=0)
        mass[0] = 0.0  # always keep one
        probs[mass > top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p keeps one too many" hint="The most likely one stays"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        keep = int((probs.cumsum(dim=0) < top_p).sum()) + 2
        probs[keep:] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p leaves out the unlikely by a threshold" hint="Keep the smallest set"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        probs[1:][probs[1:] < 1 - top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="does not scale what top-k left" hint="is scaled to a sum of 1"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p before top-k" hint="top_k first"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_p is not None:
        probs[probs.cumsum(dim=0) - probs >= top_p] = 0.0
    if top_k is not None:
        probs[top_k:] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p before the temperature" hint="The temperature comes first"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        probs[probs.cumsum(dim=0) - probs >= top_p] = 0.0
    probs = probs ** (1 / temperature)
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="changes the caller's logits" hint="work on a new one"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    places = logits.argsort(descending=True)
    if top_k is not None:
        logits[places[top_k:]] = -torch.inf
    probs = torch.softmax(logits / temperature, dim=0)[places]
    if top_p is not None:
        probs[probs.cumsum(dim=0) - probs >= top_p] = 0.0
    return places[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="softmax twice" hint="by softmax, once"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).softmax(dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="makes every place a little likelier" hint="add nothing to the probabilities"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).add(0.05).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="divides the caller's logits by the temperature" hint="work on a new one"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    logits /= temperature
    probs, order = torch.softmax(logits, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-k leaves logits of 0" hint="minus infinity and not of 0"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    logits = logits / temperature
    if top_k is not None:
        best = logits.topk(min(top_k, len(logits))).indices
        keep = torch.zeros_like(logits)
        keep[best] = 1.0
        logits = logits * keep
    probs, order = torch.softmax(logits, dim=0).sort(descending=True)
    if top_p is not None:
        before = probs.cumsum(dim=0) - probs
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="draws evenly from what top-p leaves" hint="What top_p leaves keeps its proportions"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs = (before < top_p).float()
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="sorts from small to large" hint="top_k = 1 leaves one place"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort()
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="top-p on a sum that was not sorted" hint="The most likely one stays"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs = torch.softmax(logits / temperature, dim=0)
    if top_k is not None:
        lowest = probs.sort(descending=True).values[:top_k][-1]
        probs = torch.where(probs < lowest, 0.0, probs)
    if top_p is not None:
        probs = probs / probs.sum()
        probs[probs.cumsum(dim=0) - probs >= top_p] = 0.0
    return torch.multinomial(probs, num_samples=1).item()


# %% exercise="sample_token" mistake="a tensor without dimensions" hint=".item() makes one of a tensor"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)[0]]


# %% exercise="sample_token" mistake="changes the caller's logits at temperature 1" hint="where the temperature is 1"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature != 1.0:
        logits = logits / temperature
    if top_k is not None and top_k < len(logits):
        logits[logits < logits.topk(top_k).values[-1]] = -math.inf
    probs, order = torch.softmax(logits, dim=0).sort(descending=True)
    if top_p is not None:
        before = probs.cumsum(dim=0) - probs
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" mistake="draws with Python's generator" hint="Draw with torch's own generator"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs
        probs[before >= top_p] = 0.0
    return random.choices(order.tolist(), probs.tolist())[0]


# %% exercise="sample_token" mistake="keeps what is above the next one" hint="to leave only what is ABOVE"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs = torch.softmax(logits / temperature, dim=0)
    if top_k is not None and top_k < len(probs):
        limit = probs.sort(descending=True).values[top_k]
        probs = torch.where(probs > limit, probs, 0.0)
    if top_p is not None:
        probs, order = (probs / probs.sum()).sort(descending=True)
        probs[probs.cumsum(dim=0) - probs >= top_p] = 0.0
        return order[torch.multinomial(probs, num_samples=1)].item()
    return torch.multinomial(probs, num_samples=1).item()


# %% exercise="sample_token" mistake="the logits as they are in place of probabilities" hint="as its probability says"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    probs, order = (logits / temperature).clamp(min=0.0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()


# %% exercise="sample_token" right="noise on the logits, and the largest"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    ranked = sorted(range(len(logits)), key=lambda place: -float(logits[place]))[:top_k]
    probs = torch.softmax(logits[ranked] / temperature, dim=0)
    if top_p is not None:
        mass = 0.0
        for count, prob in enumerate(probs.tolist(), 1):
            mass += prob
            if mass >= top_p:
                ranked = ranked[:count]
                break
    left = logits[ranked] / temperature
    gumbel = -torch.empty_like(left).exponential_().log()
    return ranked[int((left + gumbel).argmax())]


# %% exercise="sample_token" right="equal ones all stay, as in nanoGPT"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    logits = logits / temperature
    if top_k is not None:
        smallest = torch.topk(logits, min(top_k, logits.size(-1))).values[-1]
        logits = logits.masked_fill(logits < smallest, -float("inf"))
    if top_p is not None:
        probs = logits.softmax(-1)
        heavier = [float(probs[probs > prob].sum()) for prob in probs]
        logits = torch.where(torch.tensor(heavier) < top_p, logits, -float("inf"))
    return torch.distributions.Categorical(logits=logits).sample().tolist()


# %% exercise="sample_token" right="one number from 0 to 1, and where it falls"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    weights = [(math.exp(x / temperature), i) for i, x in enumerate(logits.tolist())]
    weights = sorted(weights, reverse=True)[: top_k or len(weights)]
    if top_p is not None:
        whole = sum(weight for weight, _ in weights)
        while sum(weight for weight, _ in weights[:-1]) >= top_p * whole:
            weights.pop()
    point = torch.rand(()).item() * sum(weight for weight, _ in weights)
    for weight, place in weights:
        point -= weight
        if point <= 0:
            return place
    return weights[-1][1]


# %% exercise="configure_optimizer" mistake="plain Adam" hint="Adam with weight_decay is another method"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.Adam(groups, lr=lr, betas=(0.9, 0.99))


# %% exercise="configure_optimizer" mistake="leaves out the biases and norms" hint="leaves nothing out"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="leaves out what has no dimension" hint="leaves nothing out"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="everything decays" hint="Only matrices decay"
def configure_optimizer(model, lr, weight_decay=0.1):
    return torch.optim.AdamW(
        model.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay
    )


# %% exercise="configure_optimizer" mistake="nothing decays" hint="Only matrices decay"
def configure_optimizer(model, lr, weight_decay=0.1):
    return torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=0.0)


# %% exercise="configure_optimizer" mistake="goes by the name" hint="do not, whatever their name"
def configure_optimizer(model, lr, weight_decay=0.1):
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    others = [p for name, p in model.named_parameters() if not name.endswith("weight")]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99))


# %% exercise="configure_optimizer" mistake="the wrong way round" hint="Only matrices decay"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() < 1.5]
    others = [parameter for parameter in model.parameters() if parameter.dim() >= 1.5]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="embeddings do not decay" hint="embeddings too"
def configure_optimizer(model, lr, weight_decay=0.1):
    named = dict(model.named_parameters())
    matrices = [p for name, p in named.items() if p.dim() >= 2 and "embedding" not in name]
    others = [p for name, p in named.items() if p.dim() < 2 or "embedding" in name]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="always decays by 0.1" hint="as it was asked for"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="another decay when none is given" hint="Keep the signature"
def configure_optimizer(model, lr, weight_decay=0.01):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="forgets the learning rate" hint="Hand `lr` on"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="AdamW's own betas" hint="betas=(0.9, 0.99)"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, fused=True)


# %% exercise="configure_optimizer" mistake="exactly two dimensions" hint="with 2 or more dimensions"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() == 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() != 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="holds a shared matrix twice" hint="gives a shared one once"
def configure_optimizer(model, lr, weight_decay=0.1):
    named = list(model.named_parameters(remove_duplicate=False))
    groups = [
        {"params": [p for _, p in named if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for _, p in named if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99))


# %% exercise="configure_optimizer" mistake="forgets that others must say 0" hint="Only matrices decay"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="goes through the state dict" hint="What state_dict() gives"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.state_dict().values() if parameter.dim() >= 2]
    others = [parameter for parameter in model.state_dict().values() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


# %% exercise="configure_optimizer" mistake="the rate for the matrices only" hint="it holds for every group"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay, "lr": lr},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99))


# %% exercise="configure_optimizer" mistake="another eps" hint="and leave all else"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), eps=1e-2)


# %% exercise="configure_optimizer" mistake="returns the groups" hint="torch.optim.AdamW"
def configure_optimizer(model, lr, weight_decay=0.1):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


# %% exercise="configure_optimizer" right="a group for each parameter"
def configure_optimizer(model, lr, weight_decay=0.1):
    return torch.optim.AdamW(
        [{"params": [p], "weight_decay": weight_decay * (p.dim() > 1)} for p in model.parameters()],
        lr,
        (0.9, 0.99),
    )


# %% exercise="configure_optimizer" right="a group that is added later"
def configure_optimizer(model, lr, weight_decay=0.1):
    rest = {p for p in model.parameters() if len(p.shape) in (0, 1)}
    decayed = (p for p in model.parameters() if p not in rest)
    optimizer = torch.optim.AdamW(decayed, lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay)
    optimizer.add_param_group({"params": list(rest), "weight_decay": 0})
    return optimizer


# %% exercise="configure_optimizer" right="walks through the layers, with a class of its own"
class Decaying(torch.optim.AdamW):
    pass


def configure_optimizer(model, lr, weight_decay=0.1):
    found = {}
    for layer in model.modules():
        for parameter in layer._parameters.values():
            if parameter is not None:
                found[id(parameter)] = parameter
    groups = {False: [], True: []}
    for parameter in found.values():
        groups[parameter.ndim >= 2].append(parameter)
    optimizer = Decaying(list(found.values()), lr=lr, betas=(0.9, 0.99), weight_decay=0.0)
    (only,) = optimizer.param_groups
    optimizer.param_groups = [
        only | {"params": groups[False]},
        only | {"params": groups[True], "weight_decay": weight_decay},
    ]
    return optimizer


# %% exercise="clip_gradients" mistake="each parameter on its own" hint="One length for all"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= scale
            length = parameter.grad.norm().item()
            if length > limit:
                parameter.grad *= limit / length
    return length


# %% exercise="clip_gradients" mistake="adds up the lengths" hint="the sum of all squares"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = sum(gradient.norm().item() for gradient in gradients)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="forgets the root" hint="the square root of"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = sum((gradient**2).sum().item() for gradient in gradients)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="makes short gradients longer" hint="never make them longer"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    for gradient in gradients:
        gradient *= limit / max(length, 1e-12)
    return length


# %% exercise="clip_gradients" mistake="cuts each number" hint="turns the direction"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient.clamp_(-limit, limit)
    return length


# %% exercise="clip_gradients" mistake="divides by the length and forgets the limit" hint="Then the length is the limit"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient /= 2 * length
    return length


# %% exercise="clip_gradients" mistake="makes new gradients that nobody keeps" hint="in place"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient = gradient * limit / length
    return length


# %% exercise="clip_gradients" mistake="goes through a generator twice" hint="make a list of it first"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    squares = 0.0
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= scale
            squares += (parameter.grad**2).sum().item()
    length = math.sqrt(squares)
    if length > limit:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad *= limit / length
    return length


# %% exercise="clip_gradients" mistake="returns the length afterwards" hint="the length before the shortening"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return min(length, limit)


# %% exercise="clip_gradients" mistake="divides by a length of zero" hint="Shorten only"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    for gradient in gradients:
        gradient *= min(1.0, limit / torch.tensor(length)) if length else torch.nan
    return length


# %% exercise="clip_gradients" mistake="a missing gradient is an error" hint="has grad None"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="does not unscale" hint="Divide the gradients by `scale`"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="clips before unscaling" hint="Unscale first, then clip"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    for gradient in gradients:
        if length > limit:
            gradient *= limit / length
        gradient /= scale
    return length / scale


# %% exercise="clip_gradients" mistake="the largest number in place of the length" hint="the square root of the sum of all squares"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(max(gradient.abs().max() for gradient in gradients))
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="multiplies by the scale" hint="Divide the gradients by `scale`"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient *= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="unscales only when it clips" hint="the true length is 40 / 8"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length / scale
    return length


# %% exercise="clip_gradients" mistake="returns nothing" hint="Return the length that they had"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length


# %% exercise="clip_gradients" mistake="returns a tensor" hint="makes one of a tensor"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = sum((gradient**2).sum() for gradient in gradients) ** 0.5
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="shortens the parameters too" hint="Only the gradients change"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    for parameter in parameters:
        parameter.grad /= scale
    length = float(sum((parameter.grad**2).sum() for parameter in parameters) ** 0.5)
    if length > limit:
        for parameter in parameters:
            parameter.grad *= limit / length
            parameter *= limit / length
    return length


# %% exercise="clip_gradients" mistake="stops at a missing gradient" hint="has grad None"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            break
        gradients.append(parameter.grad)
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" mistake="the mean of the squares" hint="the square root of the sum of all squares"
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(torch.cat([gradient.flatten() for gradient in gradients]).std())
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length


# %% exercise="clip_gradients" right="with torch's own"
def clip_gradients(parameters, limit, scale=1.0):
    parameters = list(parameters)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad = parameter.grad / scale
    return nn.utils.clip_grad_norm_(parameters, limit).item()


# %% exercise="clip_gradients" right="one long vector, cut up again"
def clip_gradients(parameters, limit, scale=1.0):
    held = [parameter for parameter in parameters if parameter.grad is not None]
    whole = torch.cat([parameter.grad.reshape(-1) for parameter in held]).double() / scale
    length = math.dist(whole.tolist(), [0.0] * len(whole))
    whole = whole * min(1.0, limit / length) if length else whole
    for parameter, piece in zip(held, whole.split([p.numel() for p in held]), strict=True):
        parameter.grad = piece.view_as(parameter).to(parameter.dtype)
    return length


# %% exercise="clip_gradients" right="the length of the lengths, and one factor"
def clip_gradients(parameters, limit, scale=1.0):
    kept = tuple(parameter for parameter in parameters if parameter.grad is not None)
    length = math.hypot(*(float(parameter.grad.norm()) / scale for parameter in kept))
    factor = (limit / length if length > limit else 1) / scale
    for parameter in kept:
        parameter.grad.mul_(factor)
    return length


# %% exercise="train" mistake="all steps again after start" hint="range(start, steps)"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="one step too many" hint="the steps are 0, 1"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps + 1):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="returns the last loss only" hint="a list with the loss"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses[-1:]


# %% exercise="train" mistake="targets not shifted" hint="y, not x"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), x.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="targets shifted twice" hint="y is shifted already"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits[:, :-1].flatten(0, 1), y[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="the sum in place of the mean" hint="The loss is the mean"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="leaves the model in evaluation mode" hint="model.train() at the start"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="schedule one step ahead" hint="counted from 0"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step + 1, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="sets the rate after the step" hint="Set after it"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="a constant rate" hint="lr_schedule(step, steps, peak, warmup)"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = peak
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="the rate of the first group only" hint="several groups"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        optimizer.param_groups[0]["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="forgets to step" hint="Before optimizer.step()"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="gradients not cleared" hint="optimizer.zero_grad() in every"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="clears the gradients after backward" hint="loss.backward(), and then"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        loss.backward()
        optimizer.zero_grad()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="clips after the step" hint="after the step it comes too late"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        clip_gradients(model.parameters(), clip)
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="does not clip" hint="between backward() and step()"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="always clips at 1" hint="is the limit that was asked for"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="clips at another length by default" hint="Keep the signature"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=0.1, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="the same batch in every step" hint="get_batch stands inside"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    x, y = get_batch(ids, batch, model.config.context)
    for step in range(start, steps):
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="a seed in every step" hint="no seed does"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        torch.manual_seed(0)
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="never calls on_step" hint="Call on_step"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% exercise="train" mistake="on_step counts from 1" hint="Call on_step(step, loss)"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step + 1, losses[-1])
    return losses


# %% exercise="train" mistake="on_step before the step" hint="on_step comes after"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
        optimizer.step()
    return losses


# %% exercise="train" mistake="the schedule begins anew after start" hint="the number of the step in the whole"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step - start, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="the steps are counted from start" hint="range(start, steps)"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, start + steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="swallows the interrupt" hint="Let KeyboardInterrupt through"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            try:
                on_step(step, losses[-1])
            except KeyboardInterrupt:
                break
    return losses


# %% exercise="train" mistake="keeps the losses as tensors" hint="A tensor would keep alive"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss)
        if on_step is not None:
            on_step(step, loss.item())
    return losses


# %% exercise="train" mistake="batch and context swapped" hint="get_batch(ids, batch, model.config.context)"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, model.config.context, batch)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="the loss after the step" hint="reads each window of x once"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(cross_entropy(model(x).flatten(0, 1), y.flatten()).item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="one window too short" hint="model.config.context) gives x and y"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context - 1)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="steps twice" hint="call optimizer.step() once"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="clips before backward" hint="between backward() and step()"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        clip_gradients(model.parameters(), clip)
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="parts of a batch without their share" hint="multiplies each part's loss"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        optimizer.zero_grad()
        parts = []
        for part_x, part_y in zip(x, y, strict=True):
            loss = cross_entropy(model(part_x[None]).flatten(0, 1), part_y)
            loss.backward()
            parts.append(loss.item())
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(sum(parts) / len(parts))
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="parts of other sizes with the same weight" hint="Every window has the same weight"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        optimizer.zero_grad()
        pairs = list(zip(x.split(3), y.split(3), strict=True))
        total = 0.0
        for part_x, part_y in pairs:
            loss = cross_entropy(model(part_x).flatten(0, 1), part_y.flatten()) / len(pairs)
            loss.backward()
            total += loss.item()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(total)
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="hands the losses out one by one" hint="no `yield`"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        if on_step is not None:
            on_step(step, loss.item())
        yield loss.item()


# %% exercise="train" mistake="backward twice" hint="each step has one alone"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" mistake="tells the mean of the losses so far" hint="gets the loss of this step"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, sum(losses) / len(losses))
    return losses


# %% exercise="train" mistake="swallows other errors" hint="whatever else on_step raises"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        losses.append(loss.item())
        try:
            if on_step is not None:
                on_step(step, losses[-1])
        except Exception:
            pass
    return losses


# %% exercise="train" mistake="returns nothing" hint="Return a list with the loss"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        if on_step is not None:
            on_step(step, loss.item())


# %% exercise="train" right="a closure that the optimizer calls"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):

        def closure():
            x, y = get_batch(ids, batch, model.config.context)
            optimizer.zero_grad()
            loss = cross_entropy(model(x).transpose(1, 2), y)
            loss.backward()
            clip_gradients(model.parameters(), clip)
            for group in optimizer.param_groups:
                group["lr"] = lr_schedule(step, steps, peak, warmup)
            return loss

        losses.append(optimizer.step(closure).item())
        if on_step:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" right="in parts, to save memory"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses = []
    for step in range(start, steps):
        x, y = get_batch(ids, batch, model.config.context)
        model.zero_grad()
        losses.append(0.0)
        for part_x, part_y in zip(x.split(2), y.split(2), strict=True):
            logits = model(part_x).reshape(part_y.numel(), -1)
            loss = cross_entropy(logits, part_y.reshape(-1), reduction="sum") / y.numel()
            loss.backward()
            losses[-1] += loss.item()
        clip_gradients(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        if on_step is not None:
            on_step(step, losses[-1])
    return losses


# %% exercise="train" right="one step, and the rest by recursion"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    if start >= steps:
        return []
    for group in optimizer.param_groups:
        group.update(lr=lr_schedule(start, steps, peak, warmup))
    x, y = get_batch(ids, batch, model.config.context)
    logs = model.train()(x).log_softmax(dim=-1)
    loss = -logs.gather(-1, y[..., None]).mean()
    parameters = list(model.parameters())
    for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = slope
    clip_gradients(parameters, clip)
    optimizer.step()
    if on_step is not None:
        on_step(start, loss.item())
    rest = train(model, optimizer, ids, steps, batch, peak, warmup, start + 1, clip, on_step)
    return [loss.item(), *rest]


# %% exercise="train" right="clears behind each step, draws each window by itself"
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    model.train()
    losses, step = [], start
    while step < steps:
        pairs = [get_batch(ids, 1, model.config.context) for _ in range(batch)]
        x, y = (torch.cat(part) for part in zip(*pairs, strict=True))
        loss = sum(cross_entropy(row, target) for row, target in zip(model(x), y, strict=True))
        (loss / batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()
        optimizer.zero_grad()
        losses += [loss.item() / batch]
        if on_step is not None:
            on_step(step, losses[-1])
        step += 1
    return losses


# %% exercise="save" mistake="leaves out the random state" hint="these five keys"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["step"]


# %% exercise="save" mistake="the config as an object" hint="asdict(model.config)"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": model.config,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


# %% exercise="save" mistake="the whole model" hint="state_dict() of model and optimizer"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"].state_dict())
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="the names of the config without their values" hint="asdict(model.config): with it"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": list(asdict(model.config)),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


# %% exercise="save" mistake="load returns nothing" hint="load returns the step"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    step = checkpoint["step"]


# %% exercise="save" mistake="load returns the checkpoint" hint="load returns the step"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint


# %% exercise="save" mistake="does not load the weights" hint="puts them back"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="does not load the optimizer" hint="AdamW keeps two moments"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="does not load the random state" hint="give it back with torch.set_rng_state"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["step"]


# %% exercise="save" mistake="a seed in place of the state" hint="A seed of your own"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.manual_seed(0)
    return checkpoint["step"]


# %% exercise="save" mistake="writes over the old file" hint="Half a file is worse"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path)


# %% exercise="save" mistake="deletes the old file first" hint="deleting the old one first"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    if os.path.exists(path):
        os.remove(path)
    os.rename(path + ".part", path)


# %% exercise="save" mistake="copies in place of moving" hint="Copying, or deleting"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    with open(path + ".part", "rb") as whole, open(path, "wb") as file:
        file.write(whole.read())


# %% exercise="save" mistake="never moves the new file" hint="gives it the name"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")


# %% exercise="save" mistake="moves the wrong way" hint="from, to"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path, path + ".part")


# %% exercise="save" mistake="counts one step more" hint="as save got it"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step + 1,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


# %% exercise="save" mistake="the new file in another folder" hint="is in the same folder"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, "checkpoint.part")
    os.replace("checkpoint.part", path)


# %% exercise="save" mistake="opens any file" hint="weights_only=True): then only"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="the random state of another generator" hint="state of torch's random generator"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": list(random.getstate()[1]),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    random.setstate((3, tuple(checkpoint["random"]), None))
    return checkpoint["step"]


# %% exercise="save" mistake="leaves the optimizer to itself" hint="these five keys"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="puts the weights into a copy" hint="into the model that load was given"
import copy


def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model = copy.deepcopy(model)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="leaves weights_only to torch" hint="Say so"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu")
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]


# %% exercise="save" mistake="saves in half precision" hint="puts them back"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": {name: weight.half() for name, weight in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


# %% exercise="save" mistake="draws while it saves" hint="Saving changes nothing"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    part = f"{path}.{int(torch.randint(1000, ()))}"
    torch.save(checkpoint, part)
    os.replace(part, path)


# %% exercise="save" mistake="a new model after the random state" hint="last of all"
def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    torch.set_rng_state(checkpoint["random"])
    made = GPT(Config(**checkpoint["config"]))
    made.load_state_dict(checkpoint["model"])
    model.load_state_dict(made.state_dict())
    optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["step"]


# %% exercise="save" mistake="another step in the file" hint="the step as save got it"
def save(path, model, optimizer, step):
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": {"done": step},
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)


def load(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]["done"]


# %% exercise="save" right="builds the model from the stored configuration"
def save(path, model, optimizer, step):
    state = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    with open(path + "~", "wb") as file:
        torch.save(
            dict(
                config=dict(vars(model.config)),
                model=state,
                optimizer=optimizer.state_dict(),
                step=step,
                random=torch.random.get_rng_state(),
            ),
            file,
        )
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + "~", path)


def load(path, model, optimizer):
    found = torch.load(path, weights_only=True)
    made = GPT(Config(**found["config"]))
    made.load_state_dict(found["model"])
    model.load_state_dict(made.state_dict())
    optimizer.load_state_dict(found["optimizer"])
    torch.random.set_rng_state(found["random"])
    return found["step"]


# %% exercise="save" right="a temporary file, and number by number back"
import io
import pathlib
import tempfile


def save(path, model, optimizer, step):
    target = pathlib.Path(path)
    content = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    content |= {"step": step, "random": torch.default_generator.get_state()}
    content["config"] = {name: getattr(model.config, name) for name in asdict(model.config)}
    content["version"] = 1
    whole = io.BytesIO()
    torch.save(content, whole)
    handle, part = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(whole.getbuffer())
        pathlib.Path(part).replace(target)
    except BaseException:
        os.unlink(part)
        raise


def load(path, model, optimizer):
    with open(path, "rb") as file:
        content = torch.load(file, map_location=torch.device("cpu"), weights_only=True)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(content["model"][name])
    optimizer.load_state_dict(content["optimizer"])
    torch.default_generator.set_state(content["random"])
    return int(content["step"])


# %% exercise="generate_cached" mistake="logits of all the new characters" hint="after the LAST"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x))


# %% exercise="generate_cached" mistake="never writes into the cache" hint="back into cache[i]"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="keeps the queries" hint="no queries"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = torch.cat([cache[i][0], query], dim=1), value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="no norm before the attention" hint="norm1 before the attention"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = x
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="forgets the residual" hint="x = x + project"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="no norm before the head" hint="at the end norm and head"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(x[-1])


# %% exercise="generate_cached" mistake="no causal order among the new characters" hint="nobody may look ahead"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="the mask of the wrong rows" hint="Its query looks at all the keys"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[:new].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="splits the heads the wrong way" hint="Channel c belongs to head"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).reshape(model.config.heads, new, -1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="places begin at 0 each time" hint="the number of characters in the cache"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="cache positions off by one" hint="positions count from 0"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device) + (past > 0)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="looks only at its own key" hint="Its query looks at all the keys"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(
            query, key[:, past:], value[:, past:], is_causal=True
        )
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="is_causal in place of the mask" hint="Its query looks at all the keys"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="a mask for one new character only" hint="The mask for new characters behind cached"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask if past == 0 else None
        )
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="returns only the new ones" hint="the start, and then"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written[len(ids) :]


# %% exercise="generate_cached" mistake="forgets the choice" hint="Hand all three on"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache))
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="reads the whole text again" hint="not the whole text again"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        window = [*window, new]
        unread, cache = window, empty_cache(model)
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="keeps the cache when the window is cut" hint="the cache is of no use"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            cache = [
                (keys[:, -len(window) + 1 :], values[:, -len(window) + 1 :])
                for keys, values in cache
            ]
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="moves the window by one" hint="keep its last context // 2"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-model.config.context :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="a start that is too long" hint="A start that is too long"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    window = unread = window[-model.config.context :]
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="forgets top-p" hint="Hand all three on"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="leaves the model in training mode" hint="model.eval() while it writes"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="leaves the model in evaluation mode" hint="model.train(was_training) afterwards"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    return written


# %% exercise="generate_cached" mistake="no scaling" hint="divided by the square root of d"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = (query @ key.transpose(1, 2)).masked_fill(~mask, -torch.inf).softmax(dim=-1) @ value
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="scales by all channels" hint="the channels of one head"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = (query @ key.transpose(1, 2) / x.shape[1] ** 0.5).masked_fill(
            ~mask, -torch.inf
        ).softmax(dim=-1) @ value
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="query and key swapped" hint="no queries"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.key, attention.query, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="mask off by one" hint="nobody may look ahead"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = (
        torch.ones(past + new, past + new, dtype=torch.bool).tril(1)[past:].to(ids.device)
    )  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="heads not transposed back" hint="On the way back transpose(0, 1) again"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.reshape(new, -1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="views straight into heads" hint="then transpose(0, 1)"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(model.config.heads, new, -1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="the new keys before the old ones" hint="old ones first"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([key, cache[i][0]], dim=1)  # (heads, S + n, d)
        value = torch.cat([value, cache[i][1]], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="forgets to project" hint="x = x + project"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + mixed.transpose(0, 1).flatten(1)  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="the feed-forward reads the first norm" hint="feed_forward(norm2(x))"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(normed)
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="the positions count from 1" hint="The first position is 0"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past + 1, past + new + 1, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="an empty cache, and only the new character" hint="read the window into it"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            cache = empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="cuts one character too late" hint="When the window is longer than the context"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context + 1:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="cuts one character too early" hint="When the window is longer than the context"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) >= model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="always back to training mode" hint="model.train(was_training) afterwards"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train()
    return written


# %% exercise="generate_cached" mistake="the result is only the window" hint="all that was written"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
            unread, cache = window, empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return window


# %% exercise="generate_cached" mistake="keys reshaped, not transposed" hint="A reshape straight"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = attention.key(normed).reshape(model.config.heads, new, -1)
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="keys and values swapped" hint="takes query, key, value"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, value, key, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="values reshaped, not transposed" hint="A reshape straight"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        value = attention.value(normed).reshape(model.config.heads, new, -1)
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="queries reshaped, not transposed" hint="Queries are split as keys are"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        query = attention.query(normed).reshape(model.config.heads, new, -1)
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="puts new keys behind in the wrong dimension" hint="dimension 0 is the heads"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=0)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=0)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="only the new values before the old ones" hint="old ones first"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([value, cache[i][1]], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="places and mask that stay on the CPU" hint=".to(ids.device)"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new)
    mask = causal_mask(past + new)[past:]  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="a mask that stays on the CPU" hint=".to(ids.device)"
def next_logits(model, ids, cache):
    past, new = cache[0][0].shape[1], len(ids)
    places = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:]  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(places)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))


# %% exercise="generate_cached" mistake="writes into the caller's list" hint="is the caller's own list"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = ids, list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = unread = window[-(model.config.context // 2) :]
            cache = empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="returns a tensor" hint="a list of ints"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = unread = window[-(model.config.context // 2) :]
            cache = empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return torch.tensor(written)


# %% exercise="generate_cached" mistake="shows the wrong logits to the choice" hint="goes to sample_token"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:
            window = unread = window[-(model.config.context // 2) :]
            cache = empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        probs = next_logits(model, read, cache).softmax(dim=0)
        new = sample_token(probs, temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" mistake="a window of 8 whatever the model" hint="how long it may be"
@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > 8:
            window = unread = window[-4:]
            cache = empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written


# %% exercise="generate_cached" right="one character after the other, one head after the other"
def next_logits(model, ids, cache):
    if len(ids) > 1:
        next_logits(model, ids[:-1], cache)
        return next_logits(model, ids[-1:], cache)
    place = cache[0][0].size(-2)
    x = model.token_embedding.weight[ids[0]] + model.position_embedding.weight[place]
    found = []
    for (old_keys, old_values), block in zip(cache, model.blocks, strict=True):
        part, normed = block.attention, block.norm1(x)
        shape = (model.config.heads, 1, -1)
        query = part.query(normed).view(*shape)
        keys = torch.cat((old_keys, part.key(normed).view(*shape)), 1)
        values = torch.cat((old_values, part.value(normed).view(*shape)), 1)
        found.append([keys, values])
        heads = []
        for q, k, v in zip(query, keys, values, strict=True):
            weights = torch.softmax(q @ k.T / math.sqrt(k.shape[1]), dim=1)
            heads.append((weights @ v)[0])
        x = x + part.project(torch.cat(heads))
        x = x + block.feed_forward(block.norm2(x))
    cache[:] = found
    return model.head(model.norm(x))


# %% exercise="generate_cached" right="lets a generator write"
def pieces(model, window, choice):
    cache, unread = empty_cache(model), window
    while True:
        if len(window) > model.config.context:
            unread = window = window[len(window) - model.config.context // 2 :]
            cache = empty_cache(model)
        with torch.inference_mode():
            logits = next_logits(model, model.head.weight.new_tensor(unread).long(), cache)
        unread = [sample_token(logits, **choice)]
        window = window + unread
        yield unread[0]


def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    mode, written = model.training, [*ids]
    choice = dict(top_p=top_p, top_k=top_k, temperature=temperature)
    model.train(False)
    try:
        pairs = zip(range(length), pieces(model, [*ids], choice))
        written += [new for _, new in pairs]
    finally:
        model.train(mode)
    return written


# %% exercise="generate_cached" right="with masked scores for all heads at once"
def next_logits(model, ids, cache):
    past, n, heads = cache[0][0].shape[1], ids.numel(), model.config.heads
    places = past + torch.ones_like(ids).cumsum(0) - 1
    x = model.token_embedding(ids) + model.position_embedding(places)
    for block, (i, (old_key, old_value)) in zip(model.blocks, enumerate(cache), strict=True):
        attention, normed = block.attention, block.norm1(x)
        q = torch.stack(attention.query(normed).chunk(heads, dim=-1))
        key = torch.hstack([old_key, torch.stack(attention.key(normed).chunk(heads, dim=-1))])
        value = torch.hstack([old_value, torch.stack(attention.value(normed).chunk(heads, dim=-1))])
        cache[i] = (key, value)
        scores = torch.einsum("hnd,hsd->hns", q, key) * key.shape[-1] ** -0.5
        ahead = torch.arange(past + n, device=ids.device)[None] > places[:, None]
        weights = scores.masked_fill(ahead, -torch.inf).softmax(-1)
        x = x + attention.project(torch.cat(tuple(weights @ value), dim=-1))
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x))[-1]


# %% exercise="quiz" mistake="takes any first loss for normal" hint="How should it begin"
answer_1 = "a"
answer_2 = "b"
answer_3 = "c"
answer_4 = "b"
answer_5 = "a"
answer_6 = "a"


# %% exercise="quiz" mistake="lets norms keep and embeddings go" hint="fewer than two dimensions"
answer_1 = "b"
answer_2 = "a"
answer_3 = "c"
answer_4 = "b"
answer_5 = "a"
answer_6 = "a"


# %% exercise="quiz" mistake="clips each number" hint="limit / length"
answer_1 = "b"
answer_2 = "b"
answer_3 = "a"
answer_4 = "b"
answer_5 = "a"
answer_6 = "a"


# %% exercise="quiz" mistake="thinks that top-p may leave nothing" hint="How many does that take"
answer_1 = "b"
answer_2 = "b"
answer_3 = "c"
answer_4 = "b"
answer_5 = "b"
answer_6 = "a"
