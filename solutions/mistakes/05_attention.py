# %% exercise="causal_mask" mistake="an axis too many" hint="with no other axis"
def causal_mask(T):
    return torch.ones(1, T, T, dtype=torch.bool).tril()


# %% exercise="causal_mask" mistake="zeros and ones" hint="The entries are True and False"
def causal_mask(T):
    return torch.ones(T, T).tril()


# %% exercise="causal_mask" mistake="off by one: not itself" hint="look at itself too"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).tril(-1)


# %% exercise="causal_mask" mistake="off by one: the next one too" hint="later than t: False"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).tril(1)


# %% exercise="causal_mask" mistake="looks at the future" hint="triu keeps just these"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).triu()


# %% exercise="causal_mask" mistake="rows and columns swapped" hint="right of the diagonal are later"
def causal_mask(T):
    places = torch.arange(T)
    return places[:, None] <= places


# %% exercise="causal_mask" mistake="inverted: what is hidden" hint="triu keeps just these"
def causal_mask(T):
    places = torch.arange(T)
    return places[:, None] < places


# %% exercise="causal_mask" mistake="everything" hint="later than t: False"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool)


# %% exercise="masked_mean" mistake="one mean for each text" hint="The shape stays (B, T, C)"
def masked_mean(x):
    return x.sum(dim=1) / x.shape[1]


# %% exercise="masked_mean" mistake="T is the number of texts" hint="T is x.shape[1]"
def masked_mean(x):
    weights = causal_mask(len(x)).float()
    return (weights / weights.sum(dim=1, keepdim=True)) @ x


# %% exercise="masked_mean" mistake="the mean over all T" hint="Nothing comes from later places"
def masked_mean(x):
    return (x.sum(dim=1, keepdim=True) / x.shape[1]).expand(x.shape)


# %% exercise="masked_mean" mistake="without the place itself" hint="takes part in its own mean"
def masked_mean(x):
    weights = torch.ones(x.shape[1], x.shape[1]).tril(-1)
    return (weights / weights.sum(dim=1, keepdim=True).clamp(min=1)) @ x


# %% exercise="masked_mean" mistake="divides by T" hint="T is the sum of the last row alone"
def masked_mean(x):
    T = x.shape[1]
    return causal_mask(T).float() @ x / T


# %% exercise="masked_mean" mistake="the sum, not the mean" hint="Each row of weights has to sum to 1"
def masked_mean(x):
    return causal_mask(x.shape[1]).float() @ x


# %% exercise="masked_mean" mistake="divides the columns" hint="dim=0 gives the sums of the columns"
def masked_mean(x):
    weights = causal_mask(x.shape[1]).float()
    return (weights / weights.sum(dim=0, keepdim=True)) @ x


# %% exercise="masked_mean" mistake="forgets keepdim" hint="so does dim=1 without keepdim"
def masked_mean(x):
    weights = causal_mask(x.shape[1]).float()
    return (weights / weights.sum(dim=1)) @ x


# %% exercise="masked_mean" mistake="the mean of the future" hint="Is a table turned over"
def masked_mean(x):
    weights = causal_mask(x.shape[1]).float().T
    return (weights / weights.sum(dim=1, keepdim=True)) @ x


# %% exercise="masked_mean" mistake="the first text for all" hint="in each text"
def masked_mean(x):
    weights = causal_mask(x.shape[1]).float()
    weights = weights / weights.sum(dim=1, keepdim=True)
    return (weights @ x[0]).expand(x.shape)


# %% exercise="masked_mean" mistake="the mean of each past, in a loop" hint="write mean yourself"
def masked_mean(x):
    means = [x[:, : t + 1].mean(dim=1) for t in range(x.shape[1])]
    return torch.stack(means, dim=1)


# %% exercise="masked_mean" mistake="multiplies by a mask of bools" hint="causal_mask(T).float()"
def masked_mean(x):
    return causal_mask(x.shape[1]) @ x


# %% exercise="scaled_dot_product_attention" mistake="keys not turned over" hint="key.transpose(-2, -1)"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="returns the weights" hint="The weights times value"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1)


# %% exercise="scaled_dot_product_attention" mistake="softmax over the queries" hint="softmax over the last axis"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-2) @ value


# %% exercise="scaled_dot_product_attention" mistake="no softmax" hint="each row of weights sums to 1"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, 0.0)
    return scores @ value


# %% exercise="scaled_dot_product_attention" mistake="no scaling" hint="Without the division 10.18"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="divides by d" hint="divided by d itself"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / query.shape[-1]
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="divides by the root of T" hint="not T, not S"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-2])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="divides the weights" hint="nothing is done to the weights"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) / math.sqrt(query.shape[-1]) @ value


# %% exercise="scaled_dot_product_attention" mistake="the mask after the softmax" hint="set to 0 afterwards"
def scaled_dot_product_attention(query, key, value, mask=None):
    weights = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ value


# %% exercise="scaled_dot_product_attention" mistake="asks whether a table is True" hint="`if mask:` wants a single True or False"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="the mask inverted" hint="True means: may look"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="hides with a score of 0" hint="a score of 0 still counts"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores * mask
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="throws the masked scores away" hint="keep the result"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="ignores the mask" hint="True means: may look"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="turns over all axes" hint="Turn over only the last two"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.T / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="turns over the first two axes" hint="Turn over only the last two"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(0, 1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="exp overflows" hint="takes the largest score away"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.exp()
    return weights / weights.sum(dim=-1, keepdim=True) @ value


# %% exercise="Head" mistake="bias left in" hint="it has no bias"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size)
        self.key = nn.Linear(channels, head_size)
        self.value = nn.Linear(channels, head_size)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="Head" mistake="in and out swapped" hint="nn.Linear(channels, head_size, bias=False)"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(head_size, channels, bias=False)
        self.key = nn.Linear(head_size, channels, bias=False)
        self.value = nn.Linear(head_size, channels, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="Head" mistake="forgets super" hint="after super().__init__()"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="Head" mistake="new layers at each call" hint="made in forward"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.channels, self.head_size = channels, head_size

    def forward(self, x):
        query = nn.Linear(self.channels, self.head_size, bias=False)
        key = nn.Linear(self.channels, self.head_size, bias=False)
        value = nn.Linear(self.channels, self.head_size, bias=False)
        return scaled_dot_product_attention(query(x), key(x), value(x), causal_mask(x.shape[1]))


# %% exercise="Head" mistake="layers in a list" hint="kept in a plain list"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.layers = [nn.Linear(channels, head_size, bias=False) for _ in range(3)]

    def forward(self, x):
        query, key, value = (layer(x) for layer in self.layers)
        return scaled_dot_product_attention(query, key, value, causal_mask(x.shape[1]))


# %% exercise="Head" mistake="the mask for B places" hint="T is x.shape[1]"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(len(x))
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="Head" mistake="no return" hint="Mind the return"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="Head" mistake="returns the weights" hint="those are the weights"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(-2, -1) / math.sqrt(self.query.out_features)
        return torch.softmax(scores.masked_fill(~causal_mask(x.shape[1]), -math.inf), dim=-1)


# %% exercise="Head" mistake="no causal mask" hint="Pass the mask"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x))


# %% exercise="Head" mistake="value and key swapped" hint="Is the order query, key, value?"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.value(x), self.key(x), mask)


# %% exercise="Head" mistake="query and key swapped" hint="those who look ask with query"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.key(x), self.query(x), self.value(x), mask)


# %% exercise="Head" mistake="x itself as value" hint="the values are x itself"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.key(x), x, mask)


# %% exercise="Head" mistake="divides twice" hint="once is enough"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.head_size = head_size
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        query = self.query(x) / math.sqrt(self.head_size)
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(query, self.key(x), self.value(x), mask)


# %% exercise="Head" mistake="the mask is made once" hint="make the mask in forward"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)
        self.mask = None

    def forward(self, x):
        if self.mask is None:
            self.mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), self.mask)


# %% exercise="Head" mistake="cut off from the slopes" hint="no torch.no_grad()"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        query, key = self.query(x).detach(), self.key(x).detach()
        return scaled_dot_product_attention(query, key, self.value(x), mask)


# %% exercise="is_causal" mistake="compares the changed place too" hint="that place itself may differ"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, : t + 1], function(changed)[:, : t + 1], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="compares everything" hint="only what comes out *before*"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before, function(changed), atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="True when it leaks" hint="with True at the very end"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return True
    return False


# %% exercise="is_causal" mistake="no True at the end" hint="with True at the very end"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False


# %% exercise="is_causal" mistake="True after the first place" hint="A leak may be anywhere"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        return torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4)
    return True


# %% exercise="is_causal" mistake="no copy" hint="x.clone()"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        x[:, t:] = torch.randn_like(x[:, t:])
        if not torch.allclose(before[:, :t], function(x)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="no copy, from the end" hint="x.clone() makes a copy"
def is_causal(function, x):
    before = function(x)
    for t in range(x.shape[1] - 1, 0, -1):
        changed = x
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="perturbs the past" hint="not the other way round"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, :t] = torch.randn_like(changed[:, :t])
        if not torch.allclose(before[:, t:], function(changed)[:, t:], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="changes only the last place" hint="A leak may be anywhere"
def is_causal(function, x):
    changed = x.clone()
    changed[:, -1] = torch.randn_like(changed[:, -1])
    return torch.allclose(function(x)[:, :-1], function(changed)[:, :-1], atol=1e-4)


# %% exercise="is_causal" mistake="changes only the second half" hint="A leak may be anywhere"
def is_causal(function, x):
    t = x.shape[1] // 2
    changed = x.clone()
    changed[:, t:] = torch.randn_like(changed[:, t:])
    return torch.allclose(function(x)[:, :t], function(changed)[:, :t], atol=1e-4)


# %% exercise="is_causal" mistake="compares only the place before" hint="A leak may be anywhere"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t] = torch.randn_like(changed[:, t])
        if not torch.allclose(before[:, t - 1], function(changed)[:, t - 1], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="changes only the first channel" hint="changed[:, t:], not one"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:, 0] = torch.randn_like(changed[:, t:, 0])
        after = function(changed)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="changes only the second channel" hint="changed[:, t:], not one"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:, 1] = torch.randn_like(changed[:, t:, 1])
        after = function(changed)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="changes only the last channel" hint="changed[:, t:], not one"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:, -1] = torch.randn_like(changed[:, t:, -1])
        after = function(changed)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="compares only the first channel" hint="before[:, :t], not one"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        after = function(changed)
        if not torch.allclose(before[:, :t, 0], after[:, :t, 0], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="compares only the last channel" hint="before[:, :t], not one"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        after = function(changed)
        if not torch.allclose(before[:, :t, -1], after[:, :t, -1], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="changes only the first text" hint="changed[0, t:] changes the first text alone"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[0, t:] = torch.randn_like(changed[0, t:])
        after = function(changed)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="compares only the first text" hint="before[0, :t] compares the first text alone"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        after = function(changed)
        if not torch.allclose(before[0, :t], after[0, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="compares only the last text" hint="compare all of them"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        after = function(changed)
        if not torch.allclose(before[-1, :t], after[-1, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="one number for all channels" hint="Each channel gets a number of its own"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn(1)
        after = function(changed)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="one number for all channels of a place" hint="Each channel gets a number of its own"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:, :1])
        after = function(changed)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="adds the same number everywhere" hint="The same number in all channels"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] += 1
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="sets the future to 0" hint="if it is 0 already"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = 0
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="compares with equal" hint="want the very last digit"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.equal(before[:, :t], function(changed)[:, :t]):
            return False
    return True


# %% exercise="is_causal" mistake="compares with ==" hint="want the very last digit"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not (before[:, :t] == function(changed)[:, :t]).all():
            return False
    return True


# %% exercise="is_causal" mistake="allclose without atol" hint="torch.allclose without atol"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t]):
            return False
    return True


# %% exercise="is_causal" mistake="begins at place 0 and ends too early" hint="A leak may be anywhere"
def is_causal(function, x):
    before = function(x)
    for t in range(x.shape[1] - 1):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="windows" mistake="overlapping windows" hint="The windows do not overlap"
def windows(ids, T):
    return ids[:-1].unfold(0, T, 1), ids[1:].unfold(0, T, 1)


# %% exercise="windows" mistake="one window too few" hint="One window too few?"
def windows(ids, T):
    W = len(ids) // T - 1
    return ids[: W * T].reshape(W, T), ids[1 : W * T + 1].reshape(W, T)


# %% exercise="windows" mistake="divides without rounding" hint="// rounds it down"
def windows(ids, T):
    W = (len(ids) - 1) / T
    return ids[: W * T].reshape(W, T), ids[1 : W * T + 1].reshape(W, T)


# %% exercise="windows" mistake="only the inputs" hint="Return two tensors"
def windows(ids, T):
    W = (len(ids) - 1) // T
    return ids[: W * T].reshape(W, T)


# %% exercise="windows" mistake="counts down the columns" hint="in the order of the text"
def windows(ids, T):
    W = (len(ids) - 1) // T
    return ids[: W * T].reshape(T, W).T, ids[1 : W * T + 1].reshape(T, W).T


# %% exercise="windows" mistake="targets not shifted" hint="what comes next in the *text*"
def windows(ids, T):
    W = (len(ids) - 1) // T
    x = ids[: W * T].reshape(W, T)
    return x, x


# %% exercise="windows" mistake="shifts inside each window" hint="the first character of the next one"
def windows(ids, T):
    W = (len(ids) - 1) // T
    x = ids[: W * T].reshape(W, T)
    return x, x.roll(-1, dims=1)


# %% exercise="windows" mistake="shifted the wrong way" hint="what comes next in the *text*"
def windows(ids, T):
    W = (len(ids) - 1) // T
    x = ids[: W * T].reshape(W, T)
    return x, ids.roll(1)[: W * T].reshape(W, T)


# %% exercise="windows" mistake="leaves out one that fits" hint="The number of windows is (N - 1) // T"
def windows(ids, T):
    W = (len(ids) - 2) // T
    return ids[: W * T].reshape(W, T), ids[1 : W * T + 1].reshape(W, T)


# %% exercise="windows" mistake="N // T windows" hint="the last target is missing"
def windows(ids, T):
    W = len(ids) // T
    return ids[: W * T].reshape(W, T), ids[1 : W * T + 1].reshape(W, T)


# %% exercise="windows" mistake="keeps an incomplete window" hint="the last target is missing"
def windows(ids, T):
    W = len(ids) // T
    x = ids[: W * T].reshape(W, T)
    y = torch.cat([ids[1:], ids[:1]])[: W * T].reshape(W, T)
    return x, y


# %% exercise="causal_mask" mistake="looks at later places alone" hint="triu keeps just these"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).triu(1)


# %% exercise="causal_mask" mistake="only itself" hint="every place before t"
def causal_mask(T):
    return torch.eye(T, dtype=torch.bool)


# %% exercise="causal_mask" mistake="only the last three" hint="whatever T is"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).tril().triu(-2)


# %% exercise="masked_mean" mistake="the weights turned over" hint="Is a table turned over"
def masked_mean(x):
    weights = causal_mask(x.shape[1]).float()
    weights = weights / weights.sum(dim=1, keepdim=True)
    return weights.T @ x


# %% exercise="masked_mean" mistake="a running average of two" hint="takes the same part"
def masked_mean(x):
    rows = [x[:, 0]]
    for t in range(1, x.shape[1]):
        rows.append((rows[-1] + x[:, t]) / 2)
    return torch.stack(rows, dim=1)


# %% exercise="masked_mean" mistake="changes x" hint="change the caller's tensor"
def masked_mean(x):
    for t in range(1, x.shape[1]):
        x[:, t] = (x[:, t - 1] * t + x[:, t]) / (t + 1)
    return x


# %% exercise="scaled_dot_product_attention" mistake="causal without a mask" hint="mask only if a mask is given"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="turns square scores over" hint="cannot tell rows from columns"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if scores.shape[-1] == scores.shape[-2]:
        scores = scores.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="turns a square mask over" hint="cannot tell rows from columns"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        if mask.shape[0] == mask.shape[1]:
            mask = mask.T
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="divides by the root of S" hint="not S"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-2])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="counts the axes from the front" hint="Count the axes from the end"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=1) @ value


# %% exercise="scaled_dot_product_attention" mistake="scales the caller's query" hint="changes the caller's tensor"
def scaled_dot_product_attention(query, key, value, mask=None):
    query /= math.sqrt(query.shape[-1])
    scores = query @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="divides by the sum of the scores" hint="Softmax makes 0.881"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, 0)
    return scores / scores.sum(-1, keepdim=True) @ value


# %% exercise="Head" mistake="with dropout" hint="left to chance"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return self.drop(
            scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)
        )


# %% exercise="Head" mistake="values asked first" hint="Is the order query, key, value"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.value(x), self.key(x), self.query(x), mask)


# %% exercise="Head" mistake="adds the stream where it fits" hint="x itself is not added"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        y = scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)
        return x + y if y.shape == x.shape else y


# %% exercise="Head" mistake="a mask of at most 8 places" hint="make the mask in forward"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)
        self.register_buffer("mask", causal_mask(8))

    def forward(self, x):
        T = x.shape[1]
        mask = self.mask[:T, :T]
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="is_causal" mistake="always False" hint="True for the copy"
def is_causal(function, x):
    return False


# %% exercise="is_causal" mistake="always True" hint="False for the mean"
def is_causal(function, x):
    return True


# %% exercise="is_causal" mistake="the same change everywhere" hint="The same row in all texts"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn(x.shape[2])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="adds the same row everywhere" hint="The same row in all texts"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] += torch.randn(x.shape[2])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="the same change in all texts" hint="The same row in all texts"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(x[0, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" mistake="an atol of 0.1" hint="atol=1e-4, and no more"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(x[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=0.1):
            return False
    return True


# %% exercise="is_causal" mistake="only differences above 0" hint="how far apart the two results are"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if (before[:, :t] - function(changed)[:, :t]).max() > 1e-4:
            return False
    return True


# %% exercise="is_causal" mistake="an x of another shape" hint="after the loop"
def is_causal(function, x):
    x = torch.randn(2, 5, 4)
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn_like(changed[:, t:])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="windows" mistake="x and y swapped" hint="in the order of the text"
def windows(ids, T):
    W = (len(ids) - 1) // T
    return ids[1 : W * T + 1].reshape(W, T), ids[: W * T].reshape(W, T)


# %% exercise="windows" mistake="T + 1 characters a window" hint="where it ended"
def windows(ids, T):
    W = len(ids) // (T + 1)
    a = ids[: W * (T + 1)].reshape(W, T + 1)
    return a[:, :-1], a[:, 1:]


# %% exercise="causal_mask" right="row by row"
def causal_mask(T):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for t in range(T):
        mask[t, : t + 1] = True
    return mask


# %% exercise="causal_mask" right="running sums of the diagonal"
def causal_mask(T):
    return torch.eye(T).cumsum(dim=0).bool()


# %% exercise="causal_mask" right="one place more than the one before"
def causal_mask(T):
    if T == 1:
        return torch.tensor([[True]])
    mask = torch.ones(T, T, dtype=torch.bool)
    mask[:-1, :-1] = causal_mask(T - 1)
    mask[:-1, -1] = False
    return mask


# %% exercise="causal_mask" right="the future of the columns"
def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).triu().T


# %% exercise="masked_mean" right="sums in a loop"
def masked_mean(x):
    return torch.stack([x[:, : t + 1].sum(dim=1) / (t + 1) for t in range(x.shape[1])], dim=1)


# %% exercise="masked_mean" right="attention with equal scores"
def masked_mean(x):
    T = x.shape[1]
    return torch.zeros(T, T).masked_fill(~causal_mask(T), -math.inf).softmax(dim=-1) @ x


# %% exercise="masked_mean" right="einsum"
def masked_mean(x):
    T = x.shape[1]
    w = causal_mask(T) / torch.arange(1, T + 1)[:, None]
    return torch.einsum("ts,bsc->btc", w, x)


# %% exercise="masked_mean" right="from the right, in double precision"
def masked_mean(x):
    T = x.shape[1]
    w = causal_mask(T).double()
    w = (w / w.sum(1, keepdim=True)).float()
    return (x.transpose(1, 2) @ w.T).transpose(1, 2)


# %% exercise="masked_mean" mistake="one text after the other" hint="whatever the other texts are"
def masked_mean(x):
    rows = x.reshape(-1, x.shape[2])  # (B * T, C)
    weights = causal_mask(len(rows)).float()
    return (weights / weights.sum(dim=1, keepdim=True) @ rows).reshape(x.shape)


# %% exercise="scaled_dot_product_attention" right="einsum, and a score of minus 1e30"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = torch.einsum("...td,...sd->...ts", query, key) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = torch.where(mask, scores, torch.tensor(-1e30))
    return torch.einsum("...ts,...se->...te", nn.functional.softmax(scores, -1), value)


# %% exercise="scaled_dot_product_attention" right="a softmax by hand, the mask as a logarithm"
def scaled_dot_product_attention(query, key, value, mask=None):
    d = query.shape[-1]
    scores = (query / d**0.25) @ (key / d**0.25).mT
    if mask is not None:
        scores = scores + mask.float().log()
    e = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return e @ value / e.sum(dim=-1, keepdim=True)


# %% exercise="scaled_dot_product_attention" right="query by query"
def scaled_dot_product_attention(query, key, value, mask=None):
    rows = []
    for t in range(query.shape[-2]):
        scores = (query[..., t : t + 1, :] * key).sum(dim=-1) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(mask[t].logical_not(), -math.inf)
        rows.append((scores.softmax(dim=-1)[..., None] * value).sum(dim=-2))
    return torch.stack(rows, dim=-2)


# %% exercise="scaled_dot_product_attention" right="weights masked, then shared out anew"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    e = (scores - scores.max(-1, keepdim=True).values).exp()
    if mask is not None:
        e = e * mask
    return (e / e.sum(-1, keepdim=True)) @ value


# %% exercise="scaled_dot_product_attention" mistake="hides with a score of -100" hint="may be the highest of all"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -100.0)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="scaled_dot_product_attention" mistake="hides with 20 less than the lowest" hint="leaves a little weight"
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, scores.min() - 20)
    return torch.softmax(scores, dim=-1) @ value


# %% exercise="Head" right="parts made in a loop"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        for name in ("query", "key", "value"):
            setattr(self, name, nn.Linear(channels, head_size, bias=False))

    def forward(self, x):
        T = x.shape[-2]
        q, k, v = (getattr(self, n)(x) for n in ("query", "key", "value"))
        return scaled_dot_product_attention(q, k, v, mask=causal_mask(T).to(x.device))


# %% exercise="Head" right="one product for all three, and torch's attention"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.value = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.query = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        all_three = torch.cat([self.query.weight, self.key.weight, self.value.weight])
        q, k, v = (x @ all_three.T).chunk(3, dim=-1)
        return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


# %% exercise="Head" right="keeps a mask that grows"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)
        self.register_buffer("mask", causal_mask(2))

    def forward(self, x):
        T = x.shape[1]
        if T > len(self.mask):
            self.mask = causal_mask(T)
        return scaled_dot_product_attention(
            self.query(x), self.key(x), self.value(x), self.mask[:T, :T]
        )


# %% exercise="Head" right="place by place, without a mask"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        rows = [self.look(x[:, : t + 1]) for t in range(x.shape[1])]
        return torch.cat(rows, dim=1)

    def look(self, past):
        return scaled_dot_product_attention(
            self.query(past[:, -1:]), self.key(past), self.value(past)
        )


# %% exercise="Head" mistake="one layer under three names" hint="a layer of its own"
class Head(nn.Module):
    def __init__(self, channels, head_size):
        super().__init__()
        self.query = self.key = self.value = nn.Linear(channels, head_size, bias=False)

    def forward(self, x):
        mask = causal_mask(x.shape[1])
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)


# %% exercise="is_causal" right="one place at a time, from the end"
def is_causal(function, x):
    before = function(x)
    worst = 0.0
    for s in reversed(range(1, x.shape[1])):
        touched = x.detach().clone()
        touched[:, s] += torch.randn_like(touched[:, s])
        worst = max(worst, (function(touched) - before)[:, :s].abs().max().item())
    return worst <= 1e-4


# %% exercise="is_causal" right="all with a generator"
def is_causal(function, x):
    T = x.shape[1]

    def past(t):
        other = torch.cat([x[:, :t], torch.randn_like(x)[:, t:]], dim=1)
        return function(other)[:, :t]

    return all(torch.allclose(function(x)[:, :t], past(t), atol=1e-4) for t in range(1, T))


# %% exercise="is_causal" right="recursion"
def is_causal(function, x, t=1):
    if t >= x.shape[1]:
        return True
    later = torch.where(torch.arange(x.shape[1])[:, None] >= t, torch.rand(x.shape) * 4 - 2, x)
    gap = (function(later) - function(x)).abs()[:, :t]
    return bool((gap < 2e-4).all()) and is_causal(function, x, t + 1)


# %% exercise="is_causal" right="returns a tensor of one bool"
def is_causal(function, x):
    same = torch.tensor(True)
    for t in range(x.shape[1]):
        changed = x.clone()
        changed[:, t + 1 :] = torch.randn_like(changed[:, t + 1 :])
        same = (
            same
            & torch.isclose(function(x)[:, : t + 1], function(changed)[:, : t + 1], atol=1e-4).all()
        )
    return same


# %% exercise="is_causal" mistake="the same row at all later places" hint="Each place gets numbers of its own"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, t:] = torch.randn(len(x), 1, x.shape[2])
        if not torch.allclose(before[:, :t], function(changed)[:, :t], atol=1e-4):
            return False
    return True


# %% exercise="is_causal" right="changes all that is later, and looks at the place before"
def is_causal(function, x):
    before = function(x)
    for t in range(1, x.shape[1]):
        changed = torch.cat([x[:, :t], torch.randn(x[:, t:].shape)], dim=1)
        if (function(changed) - before)[:, t - 1].abs().max() > 1e-4:
            return False
    return True


# %% exercise="windows" right="unfold"
def windows(ids, T):
    return ids[:-1].unfold(0, T, T), ids[1:].unfold(0, T, T)


# %% exercise="windows" right="splits, and keeps what is whole"
def windows(ids, T):
    cut = lambda part: torch.stack([p for p in part.split(T) if len(p) == T])
    return [cut(ids[:-1]), cut(ids[1:])]


# %% exercise="windows" right="by places"
def windows(ids, T):
    W = (len(ids) - 1) // T
    at = torch.arange(W)[:, None] * T + torch.arange(T)
    return tuple(ids[at + k] for k in (0, 1))


# %% exercise="windows" right="cuts both at once"
def windows(ids, T):
    W = (len(ids) - 1) // T
    ids = ids.contiguous()
    both = torch.stack([ids[:-1], ids[1:]])
    return both[:, : W * T].reshape(2, W, T).unbind()


# %% exercise="windows" mistake="smaller integers" hint="int64 as they are there"
def windows(ids, T):
    W = (len(ids) - 1) // T
    x, y = ids[: W * T].int(), ids[1 : W * T + 1].int()
    return x.reshape(W, T), y.reshape(W, T)


# %% exercise="windows" right="one window, and the windows of the rest"
def windows(ids, T):
    if len(ids) <= T:
        none = ids.new_empty((0, T))
        return none, none
    x, y = windows(ids[T:], T)
    return torch.cat([ids[None, :T], x]), torch.cat([ids[None, 1 : T + 1], y])


# %% exercise="quiz" mistake="thinks that masking afterwards is causal" hint="What did your is_causal say"
answer_1 = "b"
answer_2 = "b"
answer_3 = "a"
answer_4 = "a"
answer_5 = "b"
answer_6 = "c"


# %% exercise="quiz" mistake="a longer text needs more parameters" hint="have a T in them"
answer_1 = "b"
answer_2 = "b"
answer_3 = "c"
answer_4 = "a"
answer_5 = "c"
answer_6 = "c"
